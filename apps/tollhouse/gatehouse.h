// What every request passes, whatever surface it is for: who is there, how often, what is kept, counted and measured.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <memory>

#include "api/front.h"
#include "api/gate.h"
#include "api/metrics.h"
#include "config/settings.h"
#include "identity/authenticator.h"
#include "metering/counters.h"
#include "metering/idempotency.h"
#include "metering/usage.h"
#include "tollhouse/foundation.h"
#include "tollhouse/workshop.h"

namespace toll::app {

inline constexpr std::size_t probes = 3;  // files that are measured at a time

// Members may use what stands above them; the arguments outlive it.
struct Gatehouse {
  metering::Idempotency idempotency;
  identity::Authenticator authenticator;
  boost::asio::thread_pool blocking{4}, preparing{probes}, disk{4};
  std::unique_ptr<metering::Counters> counters;
  api::Gate gate;
  api::Core core;
  api::Metrics metrics;
  metering::UsageRecorder usage;
  api::Front front;

  Gatehouse(Foundation& base, Workshop& workshop, const config::Settings& settings);

  // After the last request: waits for what the pools still do.
  void join();
};

}  // namespace toll::app
