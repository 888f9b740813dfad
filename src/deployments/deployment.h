// A workflow deployed as an API: its name, who may call it from where and how often, and what overrides the workflow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "json/parse.h"
#include "workflows/definition.h"
#include "workflows/ids.h"

namespace toll::deployments {

using workflows::DeploymentId;
using workflows::OrganisationId;
using workflows::WorkflowId;

// What its owners say and may change.
struct Settings {
  std::string api_name;      // 1 to 64 of A-Za-z0-9_-, unique in the organisation
  std::string display_name;  // at most 64 code points
  std::string description;   // at most 255
  WorkflowId workflow;
  workflows::Type type = workflows::Type::api;  // a label, no rule
  bool active = true;
  std::int64_t rate_limit = 100;         // execute calls in any 60 seconds
  std::vector<std::string> allowed_ips;  // rules of identity/address_rules.h; empty: from anywhere
  bool allow_path_key = false;           // the key in the path is enough
  workflows::LimitOverrides limits;
  json::Object parameters;            // under those of a call
  std::int64_t result_ttl_s = 10800;  // how long a result can be read
  bool compat_reread = false;
};

struct Deployment {
  DeploymentId id;
  OrganisationId organisation;
  AccountId payer;  // the organisation's owner
  Settings settings;
  std::int64_t run_count = 0;
  std::optional<Time> last_run_at;
  Time created_at, updated_at;
};

inline constexpr std::int64_t least_rate = 1, most_rate = 100'000, shortest_ttl = 60, longest_ttl = 2'592'000;
inline constexpr std::size_t most_allowed_ips = 256, most_deployments = 1000;

}  // namespace toll::deployments
