#include "workflows/work.h"

#include <boost/json/serialize.hpp>

#include <algorithm>

#include "base/text.h"
#include "workflows/executions.h"
#include "workflows/rows.h"

namespace toll::workflows {

namespace {

json::Object object_of(json::Value value) {
  return value.is_object() ? std::move(value.get_object()) : json::Object{};
}

json::Object member_object(const json::Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_object() ? value->get_object() : json::Object{};
}

Finished finished_of(json::Value value, const json::Value& files) {
  Finished out{std::move(value), {}, {}};
  if (!files.is_array()) return out;
  for (const auto& one : files.get_array()) {
    auto found = files_of(json::Array{one});
    if (found.empty()) continue;
    if (one.get_object().contains("shown"))
      out.shown.push_back(std::move(found.front()));
    else
      out.files.push_back(std::move(found.front().second));
  }
  return out;
}

constexpr std::size_t longest_error = 2000;

std::int64_t size_of(const json::Value& value) {
  const auto* object = value.if_object();
  const auto* size = object ? object->if_contains("size") : nullptr;
  return size && size->is_number() ? size->to_number<std::int64_t>() : 0;
}

std::optional<std::string> error_of(const Outcome& outcome) {
  const auto* fault = std::get_if<StepFault>(&outcome.result);
  if (!fault) return std::nullopt;
  return error_text(outcome.step, *fault);
}

}  // namespace

std::string error_text(std::string_view step, const StepFault& fault) {
  std::string out =
      std::string(step) + ": " + fault.code + ": " + (fault.detail.empty() ? "The step failed." : fault.detail);
  // Names of members and files stand in it, which callers choose.
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  if (!valid_utf8(out))
    for (auto& c : out)
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  return std::string(utf8_prefix(out, longest_error));
}

void learn_from_source(Item& item, const Finished& source) {
  if (!item.file && source.files.size() == 1) item.file = source.files.front();
  const auto* object = source.value.if_object();
  if (!object) return;
  const auto learn = [&](std::string_view name, std::string& to) {
    const auto* value = object->if_contains(name);
    if (value && value->is_string() && !value->get_string().empty()) to = std::string(value->get_string());
  };
  learn("name", item.name);
  learn("mime", item.mime);
  learn("sha256", item.sha256);
  if (item.file) item.file->name = item.name, item.file->mime = item.mime;
}

bool Work::waiting(sql::Tx& tx) const {
  return tx.one("SELECT 1 FROM execution_items WHERE state = 'waiting' AND due_at <= $1 LIMIT 1", clock_.now())
      .has_value();
}

std::vector<Claim> Work::claim(sql::Tx& tx, const std::string& worker, Micros lease, std::size_t limit) const {
  const std::string skip = tx.engine() == sql::Engine::postgres ? " FOR UPDATE SKIP LOCKED" : "";
  const auto now = clock_.now();
  std::vector<Claim> out;
  for (const auto& row : tx.query("SELECT execution_id, ordinal FROM execution_items WHERE state = 'waiting' AND "
                                  "due_at <= $1 ORDER BY turn LIMIT $2" +
                                      skip,
                                  now, limit)) {
    tx.exec(
        "UPDATE executions SET state = 'EXECUTING', started_at = $2, deadline_at = $2 + timeout_s * 1000000 WHERE id = "
        "$1 AND state = 'PENDING'",
        row.text(0), now);
    const auto claimed = tx.one(
        "UPDATE execution_items SET state = 'running', claim = claim + 1, worker = $3, lease_until = $4, started_at = "
        "COALESCE(started_at, $5) WHERE execution_id = $1 AND ordinal = $2 AND state = 'waiting' RETURNING claim",
        row.text(0), row.integer(1), worker, now + lease, now);
    if (!claimed) continue;
    out.push_back({ExecutionId(row.text(0)), row.integer(1), claimed->integer(0)});
  }
  return out;
}

std::optional<Loaded> Work::load(sql::Tx& tx, const Claim& claim) const {
  const auto row =
      tx.one("SELECT " + std::string(item_columns) +
                 ", source, lost FROM execution_items WHERE execution_id = $1 AND ordinal = $2 AND claim = "
                 "$3 AND state = 'running'",
             claim.execution, claim.ordinal, claim.number);
  if (!row) return std::nullopt;
  const auto execution = tx.one(
      "SELECT organisation_id, payer_id, workflow_id, revision, call, pins, max_file_bytes, deadline_at, state, error, "
      "items, "
      "succeeded, ended_at FROM executions WHERE id = $1",
      claim.execution);
  Loaded out;
  out.execution = claim.execution;
  out.organisation = OrganisationId(execution->text(0));
  out.payer = AccountId(execution->integer(1));
  out.workflow = WorkflowId(execution->text(2));
  out.definition = definitions_.revision(tx, out.workflow, execution->integer(3)).value();
  const auto call = object_of(stored_json(execution->text(4)));
  out.input = member_object(call, "input_data");
  out.parameters = member_object(call, "parameters");
  out.custom_data = member_object(call, "custom_data");
  out.pins = object_of(stored_json(execution->text(5)));
  out.max_file_bytes = static_cast<std::uint64_t>(execution->integer(6));
  out.deadline = execution->maybe_time(7).value_or(clock_.now() + std::chrono::hours(1));
  out.item = item_of(*row);
  out.listing = row->text(0) == "listing";
  if (row->text(0) == notice_kind)
    out.ending = Ending{execution->text(8), execution->maybe_text(9), execution->integer(10), execution->integer(11),
                        execution->maybe_time(12).value_or(clock_.now())};
  out.source = row->text(8);
  out.lost = static_cast<int>(row->integer(9));
  for (const auto& step : tx.query(
           "SELECT step, state, attempt, output, files FROM execution_steps WHERE execution_id = $1 AND ordinal = $2",
           claim.execution, claim.ordinal)) {
    if (step.text(1) == "succeeded")
      out.finished[step.text(0)] = finished_of(stored_json(step.maybe_text(3)), stored_json(step.maybe_text(4)));
    else
      out.attempts[step.text(0)] = static_cast<int>(step.integer(2));
  }
  if (const auto source = out.finished.find(out.source); source != out.finished.end())
    learn_from_source(out.item, source->second);
  return out;
}

bool Work::holds(sql::Tx& tx, const Claim& claim) const {
  return tx.exec(
             "UPDATE execution_items SET lost = 0 WHERE execution_id = $1 AND ordinal = $2 AND claim = $3 AND state = "
             "'running'",
             claim.execution, claim.ordinal, claim.number) == 1;
}

// The execution's row before its items', as everybody locks them.
bool Work::locked(sql::Tx& tx, const Claim& claim) const {
  return tx.exec("UPDATE executions SET open_items = open_items WHERE id = $1 AND ended_at IS NULL", claim.execution) ==
             1 &&
         holds(tx, claim);
}

bool Work::started(sql::Tx& tx, const Claim& claim, std::string_view step, int attempt) const {
  if (!is_valid(tx, claim)) return false;
  tx.exec(
      "INSERT INTO execution_steps (execution_id, ordinal, step, state, attempt, pages, bytes, cost_micro, started_at) "
      "VALUES ($1, $2, $3, 'running', $4, 0, 0, 0, $5) ON CONFLICT (execution_id, ordinal, step) DO UPDATE SET state = "
      "'running', attempt = excluded.attempt, error = NULL",
      claim.execution, claim.ordinal, step, attempt, clock_.now());
  return true;
}

Result<std::int64_t> Work::pay(sql::Tx& tx, const Claim& claim, const Loaded& item, const Outcome& outcome) const {
  std::int64_t paid = 0;
  const auto hold = tx.one(
      "DELETE FROM execution_holds WHERE execution_id = $1 AND ordinal = $2 AND step = $3 RETURNING hold_id, micros",
      claim.execution, claim.ordinal, outcome.step);
  if (hold) {
    ledger_.capture(tx, HoldId(hold->integer(0)));
    paid += hold->integer(1);
  }
  const auto price = std::get<Output>(outcome.result).price;
  if (price.micros > 0) {
    const auto held =
        TOLL_TRY(ledger_.hold(tx, item.payer, price, "Workflow step: " + outcome.step, claim.execution.value()));
    ledger_.capture(tx, held);
    paid += price.micros;
  }
  return paid;
}

Result<void> Work::record(sql::Tx& tx, const Claim& claim, const Loaded& item, const Outcome& outcome) const {
  const auto* output = std::get_if<Output>(&outcome.result);
  std::int64_t paid = 0;
  std::vector<File> files;
  if (output) {
    paid = TOLL_TRY(pay(tx, claim, item, outcome));
    for (const auto& made : output->files) {
      const objects::NewObject named{item.payer, std::string(result_role), claim.execution.value(),
                                     result_file_name(claim.ordinal, outcome.step, made.name)};
      auto kept =
          made.stored ? objects_.attach_copy(tx, *made.stored, named) : objects_.attach(tx, *made.content, named);
      if (!kept) return std::move(kept).error();
      files.push_back(made.file());
    }
    if (output->with_commit)
      if (auto committed = output->with_commit(tx); !committed) return committed;
  }
  const auto* fault = std::get_if<StepFault>(&outcome.result);
  const auto models = boost::json::serialize(models_json(output ? output->models : fault->models));
  auto kept_files = files_json(outcome.step, files);
  if (output)
    for (const auto& [step, file] : output->shown) {
      auto shown = files_json(step, {file});
      shown[0].get_object()["shown"] = true;
      kept_files.push_back(std::move(shown[0]));
    }
  const auto files_text = boost::json::serialize(kept_files);
  tx.exec(
      "INSERT INTO execution_steps (execution_id, ordinal, step, state, attempt, output, files, error, usage, pages, "
      "bytes, cost_micro, started_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
      "ON "
      "CONFLICT (execution_id, ordinal, step) DO UPDATE SET state = excluded.state, attempt = excluded.attempt, output "
      "= "
      "excluded.output, files = excluded.files, error = excluded.error, usage = excluded.usage, pages = "
      "excluded.pages, "
      "bytes = excluded.bytes, cost_micro = excluded.cost_micro, started_at = excluded.started_at, ended_at = "
      "excluded.ended_at",
      claim.execution, claim.ordinal, outcome.step, output ? "succeeded" : "failed", outcome.attempt,
      output ? std::optional(outcome.output) : std::nullopt, files_text, error_of(outcome), models,
      output ? output->pages : 0, output ? output->bytes : 0, paid, outcome.started_at, clock_.now());
  if (output && outcome.step == item.source)
    tx.exec(
        "UPDATE execution_items SET name = $3, mime = $4, size = $5, sha256 = $6 WHERE execution_id = $1 AND ordinal = "
        "$2",
        claim.execution, claim.ordinal, item.item.name, item.item.mime,
        item.item.file ? static_cast<std::int64_t>(item.item.file->size) : size_of(output->value),
        item.item.sha256.empty() ? std::nullopt : std::optional(item.item.sha256));
  if (paid > 0) tx.exec("UPDATE executions SET cost_micro = cost_micro + $2 WHERE id = $1", claim.execution, paid);
  return {};
}

Result<bool> Work::commit(sql::Tx& tx, const Claim& claim, const Loaded& item, std::span<const Outcome> outcomes,
                          const std::optional<ItemEnd>& end) const {
  if (!locked(tx, claim)) return false;
  for (const auto& outcome : outcomes)
    if (auto recorded = record(tx, claim, item, outcome); !recorded) return std::move(recorded).error();
  if (!end) return true;
  json::Array files;
  for (const auto& [step, file] : end->files) files.push_back(files_json(step, {file})[0]);
  tx.exec(
      "UPDATE execution_items SET state = $3, output = $4, files = $5, error = $6, ended_at = $7, worker = NULL, "
      "lease_until = NULL WHERE execution_id = $1 AND ordinal = $2",
      claim.execution, claim.ordinal, end->succeeded ? "succeeded" : "failed",
      end->succeeded ? std::optional(boost::json::serialize(end->output)) : std::nullopt, boost::json::serialize(files),
      end->succeeded ? std::nullopt : std::optional(end->error), clock_.now());
  endings_.item_ended(tx, claim.execution, end->succeeded);
  return true;
}

bool Work::listed(sql::Tx& tx, const Claim& claim, const Loaded& listing,
                  const std::map<std::string, std::vector<Item>>& items,
                  const std::optional<std::string>& error) const {
  std::int64_t count = 0;
  for (const auto& [source, list] : items) count += static_cast<std::int64_t>(list.size());
  if (!locked(tx, claim)) return false;
  tx.exec("UPDATE executions SET items = items + $2, open_items = open_items + $2 WHERE id = $1", claim.execution,
          count);
  const auto now = clock_.now();
  auto ordinal = claim.ordinal;
  std::size_t unpaid = 0;
  for (const auto& [source, list] : items) {
    const auto prices =
        prices_of(tx, definitions_.catalogue(), *listing.definition, listing.organisation, listing.payer, source);
    for (auto item : list) {
      item.ordinal = ++ordinal;
      if (item.id.empty()) item.id = random_.uuid4();
      insert_item(tx, {claim.execution, source, now, to_micros(now) + ordinal * turn_step}, item, {});
      const auto held = hold_for_item(tx, ledger_, prices, {claim.execution, listing.payer, ordinal});
      if (held) continue;
      ++unpaid;
      release_item(tx, ledger_, claim.execution, ordinal);
      tx.exec(
          "UPDATE execution_items SET state = 'failed', ended_at = $3, error = $4 WHERE execution_id = $1 AND ordinal "
          "= "
          "$2",
          claim.execution, ordinal, now,
          source + ": " + std::string(fault::insufficient_credits) + ": " + held.error().detail() + ".");
    }
  }
  tx.exec(
      "UPDATE execution_items SET state = $3, error = $4, ended_at = $5, worker = NULL, lease_until = NULL WHERE "
      "execution_id = $1 AND ordinal = $2",
      claim.execution, claim.ordinal, error ? "failed" : "succeeded", error, now);
  endings_.listing_ended(tx, claim.execution, unpaid);
  signals_.work_added(tx);
  return true;
}

bool Work::noticed(sql::Tx& tx, const Claim& claim, const std::optional<std::string>& error) const {
  return tx.exec(
             "UPDATE execution_items SET state = $4, error = $5, ended_at = $6, worker = NULL, lease_until = NULL "
             "WHERE "
             "execution_id = $1 AND ordinal = $2 AND claim = $3 AND state = 'running'",
             claim.execution, claim.ordinal, claim.number, error ? "failed" : "succeeded", error, clock_.now()) == 1;
}

bool Work::postpone(sql::Tx& tx, const Claim& claim, Time due) const {
  return tx.exec(
             "UPDATE execution_items SET state = 'waiting', due_at = $4, worker = NULL, lease_until = NULL WHERE "
             "execution_id = $1 AND ordinal = $2 AND claim = $3 AND state = 'running'",
             claim.execution, claim.ordinal, claim.number, due) == 1;
}

std::optional<Time> Work::next_deadline(sql::Tx& tx) const {
  const auto row = tx.one(
      "SELECT deadline_at FROM executions WHERE ended_at IS NULL AND deadline_at IS NOT NULL ORDER BY deadline_at "
      "LIMIT 1");
  return row ? row->maybe_time(0) : std::nullopt;
}

std::optional<Time> Work::next_due(sql::Tx& tx) const {
  const auto row = tx.one(
      "SELECT due_at FROM execution_items WHERE state = 'waiting' AND due_at > 0 AND due_at > $1 ORDER BY due_at LIMIT "
      "1",
      clock_.now());
  return row ? row->maybe_time(0) : std::nullopt;
}

void Work::give_back(sql::Tx& tx, const Claim& claim) const {
  const auto given = tx.exec(
      "UPDATE execution_items SET state = 'waiting', worker = NULL, lease_until = NULL WHERE execution_id = $1 AND "
      "ordinal = $2 AND claim = $3 AND state = 'running'",
      claim.execution, claim.ordinal, claim.number);
  if (given) signals_.work_added(tx);
}

std::vector<Claim> Work::renew(sql::Tx& tx, const std::vector<Claim>& claims, Micros lease) const {
  const auto until = clock_.now() + lease;
  std::vector<Claim> lost;
  for (const auto& claim : claims)
    if (tx.exec(
            "UPDATE execution_items SET lease_until = $4 WHERE execution_id = $1 AND ordinal = $2 AND claim = $3 AND "
            "state = 'running'",
            claim.execution, claim.ordinal, claim.number, until) == 0)
      lost.push_back(claim);
  return lost;
}

std::size_t Work::reclaim(sql::Tx& tx, std::span<const std::string> dead_workers) const {
  constexpr std::string_view again =
      "UPDATE execution_items SET state = 'waiting', lost = lost + 1, worker = NULL, lease_until = NULL WHERE state = "
      "'running' AND ";
  auto count = tx.exec(std::string(again) + "lease_until <= $1", clock_.now());
  for (const auto& worker : dead_workers) count += tx.exec(std::string(again) + "worker = $1", worker);
  if (count > 0) signals_.work_added(tx);
  return static_cast<std::size_t>(count);
}

std::vector<std::string> Work::workers(sql::Tx& tx) const {
  std::vector<std::string> out;
  for (const auto& row :
       tx.query("SELECT DISTINCT worker FROM execution_items WHERE state = 'running' AND worker IS NOT NULL"))
    out.push_back(row.text(0));
  return out;
}

bool Work::is_valid(sql::Tx& tx, const Claim& claim) const {
  return tx
      .one(
          "SELECT 1 FROM execution_items WHERE execution_id = $1 AND ordinal = $2 AND claim = $3 AND state = 'running'",
          claim.execution, claim.ordinal, claim.number)
      .has_value();
}

bool Work::anything_late(sql::Tx& tx, Time now) const {
  return tx.one("SELECT 1 FROM execution_items WHERE state = 'running' AND lease_until <= $1 LIMIT 1", now) ||
         tx.one("SELECT 1 FROM executions WHERE ended_at IS NULL AND deadline_at <= $1 LIMIT 1", now);
}

std::vector<std::pair<ExecutionId, std::string>> Work::overdue(sql::Tx& tx) const {
  std::vector<std::pair<ExecutionId, std::string>> out;
  for (const auto& row : tx.query("SELECT id, timeout_s FROM executions WHERE ended_at IS NULL AND deadline_at <= $1 "
                                  "ORDER BY deadline_at LIMIT 100",
                                  clock_.now()))
    out.emplace_back(row.text(0), "execution timed out after " + std::to_string(row.integer(1)) + " s");
  return out;
}

bool Work::stop_overdue(sql::Tx& tx, const ExecutionId& id, std::string_view error) const {
  return endings_.stop(tx, id, State::error, error, fault::deadline_exceeded, error);
}

}  // namespace toll::workflows
