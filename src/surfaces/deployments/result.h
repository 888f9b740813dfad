// How an execution looks to those who called it: R of the contract, its items, and the answer of the original system's
// status path.
#pragma once

#include <string>
#include <vector>

#include "json/parse.h"
#include "objects/signed_urls.h"
#include "surfaces/deployments/order.h"
#include "workflows/execution.h"

namespace toll::deployed {

// What files of a result are signed with: URLs are made anew for each answer.
struct Signing {
  const objects::SignedUrls& urls;
  std::string origin;  // scheme and host as the client reaches us
};

// In input order.
json::Array items_json(const workflows::Execution& execution, const std::vector<workflows::ItemResult>& items,
                       const Include& include, const Signing& signing);
// {"execution_id","status","message":{...}}. `result`: null while the execution runs, or when it has expired.
json::Object response_json(const workflows::Execution& execution, const std::string& status_api, json::Value result);
// {"execution_id","status","error","message"}
json::Object compat_json(const workflows::Execution& execution, json::Value message);

// For management: with items and the runs of their steps.
json::Object history_json(const workflows::Execution& execution);
json::Object history_json(const workflows::Execution& execution, const std::vector<workflows::ItemResult>& items);

}  // namespace toll::deployed
