#include "workflows/endings.h"

#include <algorithm>

namespace toll::workflows {

Execution execution_of(const sql::Row& row) {
  Execution out;
  out.id = ExecutionId(row.text(0));
  out.organisation = OrganisationId(row.text(1));
  out.deployment = DeploymentId(row.text(2));
  out.workflow = WorkflowId(row.text(3));
  out.revision = row.integer(4);
  out.payer = AccountId(row.integer(5));
  out.state = state_from(row.text(6)).value();
  out.tag = row.text(7);
  out.timeout_s = row.integer(8);
  out.items = row.integer(9);
  out.succeeded = row.integer(10);
  out.error = row.maybe_text(11);
  out.cost = {row.integer(12)};
  out.created_at = row.time(13);
  out.started_at = row.maybe_time(14);
  out.ended_at = row.maybe_time(15);
  out.expires_at = row.maybe_time(16);
  out.purged = row.boolean(17);
  out.acknowledged_at = row.maybe_time(18);
  return out;
}

void Endings::item_ended(sql::Tx& tx, const ExecutionId& id, bool succeeded) {
  close(tx, id, 1, succeeded ? 1 : 0);
}

void Endings::listing_ended(sql::Tx& tx, const ExecutionId& id, std::size_t failed) {
  close(tx, id, 1 + static_cast<std::int64_t>(failed), 0);
}

void Endings::close(sql::Tx& tx, const ExecutionId& id, std::int64_t items, std::int64_t succeeded) {
  const auto row = tx.one(
      "UPDATE executions SET open_items = open_items - $2, succeeded = succeeded + $3 WHERE id = $1 AND ended_at IS "
      "NULL "
      "RETURNING open_items, succeeded, items",
      id, items, succeeded);
  if (!row || row->integer(0) > 0) return;
  if (row->integer(1) > 0) return end(tx, id, State::completed, {});
  // The first that failed says why; the listing of a connector that could not be read is an item too.
  const auto first = tx.one(
      "SELECT error FROM execution_items WHERE execution_id = $1 AND state = 'failed' ORDER BY ordinal LIMIT 1", id);
  if (!first) return end(tx, id, State::completed, {});
  end(tx, id, State::error, first->maybe_text(0).value_or(""));
}

bool Endings::stop(sql::Tx& tx, const ExecutionId& id, State state, std::string_view error, std::string_view code,
                   std::string_view detail) {
  // The row's lock first, as everybody takes it.
  if (tx.exec("UPDATE executions SET open_items = 0 WHERE id = $1 AND ended_at IS NULL", id) == 0) return false;
  const auto text = ": " + std::string(code) + ": " + std::string(detail);
  tx.exec(
      "UPDATE execution_items SET state = 'failed', ended_at = $2, error = COALESCE((SELECT s.step FROM "
      "execution_steps s "
      "WHERE s.execution_id = execution_items.execution_id AND s.ordinal = execution_items.ordinal AND s.state = "
      "'running' ORDER BY s.started_at LIMIT 1), source) || $3 WHERE execution_id = $1 AND state IN ('waiting', "
      "'running')",
      id, clock_.now(), text);
  end(tx, id, state, std::string(error));
  signals_.withdrawn(tx, id);
  return true;
}

void Endings::end(sql::Tx& tx, const ExecutionId& id, State state, std::optional<std::string> error) {
  if (error && error->empty()) error = "The execution failed.";
  const auto now = clock_.now();
  const auto row = tx.one(
      "UPDATE executions SET state = $2, error = $3, ended_at = $4, expires_at = $4 + result_ttl_s * 1000000, "
      "open_items "
      "= 0, started_at = COALESCE(started_at, $5) WHERE id = $1 AND ended_at IS NULL RETURNING " +
          std::string(execution_columns),
      id, to_string(state), error, now, state == State::stopped ? std::nullopt : std::optional<Time>(now));
  if (!row) return;
  for (const auto& hold : tx.query("DELETE FROM execution_holds WHERE execution_id = $1 RETURNING hold_id", id))
    ledger_.release(tx, HoldId(hold.integer(0)), "Refund: workflow execution");
  tx.exec("UPDATE execution_steps SET state = 'failed', ended_at = $2 WHERE execution_id = $1 AND state = 'running'",
          id, now);
  if (tx.exec("UPDATE execution_items SET state = 'waiting', turn = $2 WHERE execution_id = $1 AND state = 'armed'", id,
              now) > 0)
    signals_.work_added(tx);
  const auto ended = execution_of(*row);
  for (const auto& counted : counted_) counted(tx, ended);
  signals_.ended(tx, id);
}

}  // namespace toll::workflows
