// A run of a deployed workflow, from the call to the answer: what both families of routes and the tools of MCP share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "surfaces/deployments/house.h"
#include "surfaces/deployments/order.h"
#include "surfaces/deployments/result.h"
#include "surfaces/deployments/waiting.h"

namespace toll::deployed {

// One run. Made after the order was read; prepare() and accept() in that order, then answers.
struct Run {
  ReadOrder order;
  std::optional<workflows::Prepared> prepared;
  std::optional<workflows::Execution> execution;  // as it was last seen
  std::shared_ptr<Waiting> waiting;
  Time give_up;  // the answer goes out at the latest
};

// Fetches what is to be fetched and checks the call; blocking, no transaction. `entry` has its workflow. Faults: those
// of fetch_presigned() and of Executions::prepare().
Result<void> prepare_run(const House& house, const Entry& entry, Run& run);
// In the writing transaction of the effect. If the caller waits, call.linger is set. Faults: those of
// Executions::accept().
Result<void> accept_run(Call& call, const Entry& entry, Run& run);
// After a wait: the execution as it is now; call.linger is set again if there is still time. Faults:
// execution_not_found.
Result<void> look_again(Call& call, const deployments::Deployment& deployment, Run& run);

// The items of an execution that has ended, or null: it runs, or the result has expired.
json::Value result_of(Call& call, const workflows::Execution& execution, const Include& include);
// include_* of the query.
Result<Include> include_of(const Call& call);
// The execution of this deployment that a text names. Faults: execution_not_found, also for what is no UUID.
Result<workflows::Execution> execution_of(Call& call, const deployments::Deployment& deployment, std::string_view id);

}  // namespace toll::deployed
