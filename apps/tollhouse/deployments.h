// The surface of deployed workflows, put together.
#pragma once

#include <boost/asio/thread_pool.hpp>

#include "api/serve.h"
#include "config/settings.h"
#include "deployments/calls.h"
#include "deployments/deployments.h"
#include "egress/client.h"
#include "identity/organisation_keys.h"
#include "identity/organisations.h"
#include "surfaces/deployments/house.h"
#include "tollhouse/foundation.h"
#include "tollhouse/workflows.h"
#include "tollhouse/workshop.h"

namespace toll::app {

// Members may use what stands above them; the arguments outlive it.
struct Deployments {
  identity::Organisations organisations;
  identity::OrganisationKeys keys;
  deployments::Deployments deployments;
  deployments::Calls calls;
  egress::Client egress;
  deployed::WaitingRoom room{deployed::most_waiting};
  deployed::Budget bodies{deployed::most_body_bytes}, fetching{deployed::most_fetching};
  boost::asio::thread_pool preparing;  // checks calls and fetches their files
  api::Core core;                      // the server's, but for this one
  deployed::House house;

  // From now on `workflows` tells of executions that end, and asks before a workflow goes.
  Deployments(Foundation& base, Workshop& workshop, Workflows& workflows, const api::Core& server,
              const config::Settings& settings);

  // While the server takes no more calls: those who wait get their answers.
  void drain() { room.close(); }
  // After the last request.
  void join() { preparing.join(); }

  // What the janitor does here.
  void tidy(sql::Tx& tx, Time now) const;
};

}  // namespace toll::app
