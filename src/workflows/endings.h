// How executions end: exactly once, with what is left of their holds given back.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "metering/ledger.h"
#include "sql/database.h"
#include "workflows/execution.h"
#include "workflows/signals.h"

namespace toll::workflows {

// Thread-safe; in the caller's transaction. Executions are locked before their items.
class Endings {
 public:
  // An execution as it ended, in that transaction.
  using Ended = std::function<void(sql::Tx&, const Execution&)>;

  Endings(const metering::Ledger& ledger, Signals& signals, const Clock& clock)
      : ledger_(ledger), signals_(signals), clock_(clock) {}
  void counts(Ended counted) { counted_.push_back(std::move(counted)); }

  // An open item has ended: counts it, and ends the execution with its last one.
  void item_ended(sql::Tx& tx, const ExecutionId& id, bool succeeded);
  // A connector's listing has ended: it counts itself and as many items of it as have failed already.
  void listing_ended(sql::Tx& tx, const ExecutionId& id, std::size_t failed);
  // Ends an open execution and everything of it that is open; false: it had ended. `code` and `detail` are those of its
  // open items.
  bool stop(sql::Tx& tx, const ExecutionId& id, State state, std::string_view error, std::string_view code,
            std::string_view detail);

 private:
  void close(sql::Tx& tx, const ExecutionId& id, std::int64_t items, std::int64_t succeeded);
  void end(sql::Tx& tx, const ExecutionId& id, State state, std::optional<std::string> error);

  const metering::Ledger& ledger_;
  Signals& signals_;
  const Clock& clock_;
  std::vector<Ended> counted_;
};

// The row, however it was selected.
inline constexpr std::string_view execution_columns =
    "id, organisation_id, deployment_id, workflow_id, revision, payer_id, state, tag, timeout_s, items, succeeded, "
    "error, "
    "cost_micro, created_at, started_at, ended_at, expires_at, purged, acknowledged_at";
Execution execution_of(const sql::Row& row);

}  // namespace toll::workflows
