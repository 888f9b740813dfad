// What the endpoints of this surface work with, and how a caller is let in.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.h"
#include "api/endpoint.h"
#include "deployments/calls.h"
#include "deployments/deployments.h"
#include "egress/client.h"
#include "identity/organisation_keys.h"
#include "identity/organisations.h"
#include "objects/signed_urls.h"
#include "sql/database.h"
#include "surfaces/deployments/budget.h"
#include "surfaces/deployments/paths.h"
#include "surfaces/deployments/waiting.h"
#include "workflows/executions.h"

namespace toll::deployed {

// How much may be under way in this process.
inline constexpr std::size_t most_waiting = 1024, most_fetching = 4;
inline constexpr std::uint64_t most_body_bytes = std::uint64_t{1} << 30;

// Everything here outlives the surface; wiring.cc owns it.
struct House {
  sql::Database& db;
  const Clock& clock;
  const identity::Organisations& organisations;
  const identity::OrganisationKeys& keys;
  const deployments::Deployments& deployments;
  const deployments::Calls& calls;
  const workflows::Definitions& workflows;
  const workflows::Secrets& secrets;
  workflows::Executions& executions;
  const objects::SignedUrls& urls;
  blob::Store& store;
  const egress::Client& egress;
  std::vector<std::string> presigned_hosts;  // besides those of S3
  std::string public_url;                    // without a final slash; empty: as the client called us
  std::vector<std::string> origins;          // of browsers that may call MCP, besides our own
  std::string version;                       // of the server
  bool others_work = false;                  // other processes end executions too
  WaitingRoom& room;
  Budget& bodies;    // bytes of bodies that are kept whole, and what is made of them
  Budget& fetching;  // calls whose files are fetched now
};

using Call = api::Call<House>;

// What every endpoint of this surface inherits.
struct Endpoint : api::Defaults {
  using Call = deployed::Call;
  static constexpr api::PlaceCheck fits = &deployed::fits;
};
using api::Access;
using api::Method;
using api::Nothing;
using api::Route;
using api::Runs;
using identity::OrganisationRole;
using json::field;
using json::In;

// --- Management: /unstract/{org_id}/... The first place of the route is the organisation.

// Sessions and management keys; a deployment key has no business here.
Result<void> managers(const identity::Principal& who);
// Keys make no keys.
Result<void> people(const identity::Principal& who);
// The caller's organisation, whose name stands in the path. Kept for handle(). Faults: not_found (unknown, malformed,
// foreign), role_required, ip_not_allowed.
Result<void> admit_to_organisation(Call& call, OrganisationRole least);
struct Membership {
  workflows::OrganisationId id;
  AccountId payer;
  OrganisationRole role = OrganisationRole::viewer;
};
const Membership& membership(const Call& call);

struct ManagementRead : Endpoint {
  static constexpr bool point_read = true;
  static constexpr Access access = Access::either;
  static constexpr api::CallerCheck permits = &managers;
  static Result<void> admit(Call& call) { return admit_to_organisation(call, OrganisationRole::viewer); }
};
struct ManagementWrite : ManagementRead {
  static constexpr Runs runs = Runs::write;
  static Result<void> admit(Call& call) { return admit_to_organisation(call, OrganisationRole::member); }
};

// --- Execution: the caller has a key of one deployment.

// A caller of a deployment, from admit() until the answer has been made.
struct Entry {
  deployments::Deployment deployment;
  // Of a run: what the workflow says, and what the deployment makes of it.
  std::optional<workflows::Workflow> workflow;
  bool takes_files = false;
  std::int64_t most_files = 0;
  std::uint64_t most_bytes = 0;  // of a file
  std::shared_ptr<Budget::Share> body;
};
enum class Use : std::uint8_t { read, run };
// Finds the deployment of the path and of the key, in the order of the contract: credential, address, active, and for a
// run the rate. Kept for handle(). A run writes. Faults: bad_key, no_credentials, ip_not_allowed, api_not_found,
// api_inactive, rate_limited.
Result<void> admit_documented(Call& call, Use use);
Result<void> admit_compat(Call& call, Use use);
Entry& entry(const Call& call);
inline const deployments::Deployment& deployment(const Call& call) {
  return entry(call).deployment;
}
// Whether the caller's key, and the deployment, may be used from where the call comes from, and it is active. Faults:
// ip_not_allowed, api_inactive.
Result<void> key_allowed(const Call& call);
Result<void> may_come(const Call& call, const deployments::Deployment& deployment);
// Counts a run in the window of its deployment, and stamps the answer. Faults: rate_limited.
Result<void> count_run(Call& call, const deployments::Deployment& deployment);
// What the workflow of a run says. Faults: workflow_not_found.
Result<void> find_workflow(Call& call, Entry& entry);
// Of an admitted run that was refused.
void count_refusal(Call& call, const Fault& fault);

// The place of this name in the route's path.
std::string_view place(const Call& call, std::size_t index);

}  // namespace toll::deployed
