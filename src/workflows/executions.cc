#include "workflows/executions.h"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/text.h"
#include "workflows/request.h"
#include "workflows/rows.h"

namespace toll::workflows {

namespace {

json::Object pins_of(sql::Tx& tx, const Prepared& prepared, const Catalogue& catalogue) {
  json::Object out;
  const auto& order = prepared.order;
  for (const auto& step : prepared.definition->steps) {
    const auto* kind = catalogue.find(step.uses);
    if (!kind) continue;
    auto pin = kind->pin({tx, order.organisation, order.payer, step.with});
    if (!pin)
      out[step.id] = json::Object{{"fault", pin.error().detail()}};
    else if (!pin->is_null())
      out[step.id] = std::move(*pin);
  }
  return out;
}

// An item that an earlier call of this deployment has worked on with the same bytes and the same everything.
struct Earlier {
  std::string execution;
  std::int64_t ordinal;
  std::optional<std::string> output, files;
};

std::optional<Earlier> earlier(sql::Tx& tx, const std::string& key, Time now) {
  const auto row = tx.one(
      "SELECT i.execution_id, i.ordinal, i.output, i.files FROM execution_items i JOIN executions e ON e.id = "
      "i.execution_id WHERE i.history_key = $1 AND i.state = 'succeeded' AND i.from_history = 0 AND e.purged = 0 AND "
      "(e.expires_at IS NULL OR e.expires_at > $2) ORDER BY i.ended_at DESC LIMIT 1",
      key, now);
  if (!row) return std::nullopt;
  return Earlier{row->text(0), row->integer(1), row->maybe_text(2), row->maybe_text(3)};
}

// The earlier item's files, as this one's too.
Result<void> copy_files(sql::Tx& tx, const objects::Objects& objects, const Earlier& from, const ExecutionId& id,
                        std::int64_t ordinal, AccountId payer) {
  const auto prefix = std::to_string(from.ordinal) + "/";
  for (const auto& object : objects.list(tx, from.execution, result_role)) {
    if (!object.name.starts_with(prefix)) continue;
    const auto name = std::to_string(ordinal) + "/" + object.name.substr(prefix.size());
    auto copied = objects.attach_copy(tx, object, {payer, std::string(result_role), id.value(), name});
    if (!copied) return std::move(copied).error();
  }
  return {};
}

}  // namespace

std::string result_file_name(std::int64_t ordinal, std::string_view step, std::string_view name) {
  return std::to_string(ordinal) + "/" + std::string(step) + "/" + std::string(name);
}

std::vector<bool> steps_of_item(const Definition& definition, const Catalogue& catalogue, const std::string& source) {
  const auto& steps = definition.steps;
  std::vector<bool> out(steps.size(), true);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto* kind = catalogue.find(steps[i].uses);
    const auto role = kind ? kind->about().role : Role::work;
    if (role == Role::leaf || (role == Role::source && steps[i].id != source)) out[i] = false;
  }
  // What comes after steps that are out alone is out as well; a few rounds reach the end of any chain.
  for (std::size_t round = 0; round < steps.size(); ++round)
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const auto& needs = steps[i].needs;
      const auto gone = [&](const std::string& id) {
        const auto found = std::ranges::find(steps, id, &Step::id);
        return found == steps.end() || !out[static_cast<std::size_t>(found - steps.begin())];
      };
      const auto* kind = catalogue.find(steps[i].uses);
      const bool source = kind && kind->about().role == Role::source;
      if (!source && !needs.empty() && std::ranges::all_of(needs, gone)) out[i] = false;
    }
  return out;
}

Executions::Executions(sql::Database& db, const Definitions& definitions, const metering::Ledger& ledger,
                       const objects::Objects& objects, blob::Store& store, objects::Sweeper& sweeper, Signals& signals,
                       const Clock& clock, Random& random, Options options)
    : db_(db),
      definitions_(definitions),
      ledger_(ledger),
      objects_(objects),
      store_(store),
      sweeper_(sweeper),
      signals_(signals),
      clock_(clock),
      random_(random),
      options_(options),
      endings_(ledger, signals, clock) {}

Result<Prepared> Executions::prepare(Order order) {
  struct Found {
    std::shared_ptr<const Definition> definition;
    std::int64_t revision = 0;
  };
  auto found = db_.read([&](sql::Tx& tx) -> Result<Found> {
    const auto row = tx.one("SELECT revision FROM workflows WHERE id = $1 AND organisation_id = $2", order.workflow,
                            order.organisation);
    if (!row) return Reason::workflow_not_found;
    auto definition = TOLL_TRY(definitions_.revision(tx, order.workflow, row->integer(0)));
    return Found{std::move(definition), row->integer(0)};
  });
  if (!found) return std::move(found).error();
  Prepared out;
  out.definition = std::move(found->definition);
  out.revision = found->revision;
  out.order = std::move(order);
  out.limits = limits_of(*out.definition, out.order.limits, definitions_.caps());
  if (auto made = make_items(out, definitions_.catalogue(), store_, random_); !made) return std::move(made).error();
  out.question = question_of(out);
  out.order.input_data = without_contents(std::move(out.order.input_data));
  return out;
}

Result<Execution> Executions::accept(sql::Tx& tx, const Prepared& prepared) {
  const auto& order = prepared.order;
  const auto now = clock_.now();
  if (!tx.one("SELECT 1 FROM workflows w JOIN workflow_revisions r ON r.workflow_id = w.id WHERE w.id = $1 AND "
              "w.organisation_id = $2 AND r.revision = $3",
              order.workflow, order.organisation, prepared.revision))
    return Reason::workflow_not_found;
  const ExecutionId id(random_.uuid4());
  const auto pins = pins_of(tx, prepared, definitions_.catalogue());
  const auto items = static_cast<std::int64_t>(prepared.items.size());
  const json::Object call{
      {"input_data", order.input_data}, {"parameters", order.parameters}, {"custom_data", order.custom_data}};
  tx.exec(
      "INSERT INTO executions (id, organisation_id, deployment_id, workflow_id, revision, payer_id, state, call, pins, "
      "tag, max_file_bytes, max_files, timeout_s, result_ttl_s, items, open_items, succeeded, cost_micro, created_at) "
      "VALUES ($1, $2, $3, $4, $5, $6, 'PENDING', $7, $8, $9, $10, $11, $12, $13, $14, $15, 0, 0, $16)",
      id, order.organisation, order.deployment, order.workflow, prepared.revision, order.payer,
      boost::json::serialize(call), boost::json::serialize(pins), order.tag, prepared.limits.max_file_mb << 20,
      prepared.limits.max_files, prepared.limits.timeout_s, order.result_ttl_s, items, items + (prepared.lists ? 1 : 0),
      now);

  const auto prices =
      prices_of(tx, definitions_.catalogue(), *prepared.definition, order.organisation, order.payer, prepared.source);
  std::size_t reused = 0;
  for (std::size_t i = 0; i < prepared.items.size(); ++i) {
    const auto& item = prepared.items[i];
    const auto key = history_key(prepared, item, pins);
    const auto same = order.use_history && !key.empty() ? earlier(tx, key, now) : std::nullopt;
    insert_item(tx, {id, prepared.source, now, to_micros(now) + item.ordinal * turn_step}, item,
                key.empty() ? std::nullopt : std::optional(key));
    if (prepared.contents[i]) {
      auto kept = objects_.attach(tx, *prepared.contents[i],
                                  {order.payer, std::string(input_role), id.value(), std::to_string(item.ordinal)});
      if (!kept) return std::move(kept).error();
    }
    if (!same) {
      if (auto held = hold_for_item(tx, ledger_, prices, {id, order.payer, item.ordinal}); !held)
        return std::move(held).error();
      continue;
    }
    ++reused;
    tx.exec(
        "UPDATE execution_items SET state = 'succeeded', from_history = 1, output = $3, files = $4, started_at = $5, "
        "ended_at = $5 WHERE execution_id = $1 AND ordinal = $2",
        id, item.ordinal, same->output, same->files, now);
    if (auto copied = copy_files(tx, objects_, *same, id, item.ordinal, order.payer); !copied)
      return std::move(copied).error();
  }
  if (prepared.lists) {
    Item listing;
    listing.id = random_.uuid4();
    listing.ordinal = items;
    insert_item(tx, {id, "", now, to_micros(now)}, listing, {}, "listing");
  }
  arm_leaves(tx, prepared, id);
  for (std::size_t i = 0; i < reused; ++i) endings_.item_ended(tx, id, true);
  signals_.work_added(tx);
  return execution_of(
      tx.one("SELECT " + std::string(execution_columns) + " FROM executions WHERE id = $1", id).value());
}

void Executions::arm_leaves(sql::Tx& tx, const Prepared& prepared, const ExecutionId& id) const {
  Item leaf;
  for (const auto& step : prepared.definition->steps) {
    const auto* kind = definitions_.catalogue().find(step.uses);
    if (!kind || kind->about().role != Role::leaf) continue;
    leaf.id = random_.uuid4();
    --leaf.ordinal;
    insert_item(tx, {id, step.id, clock_.now(), 0}, leaf, {}, notice_kind);
    tx.exec("UPDATE execution_items SET state = 'armed' WHERE execution_id = $1 AND ordinal = $2", id, leaf.ordinal);
  }
}

Result<Execution> Executions::find(sql::Tx& tx, const DeploymentId& deployment, const ExecutionId& id) const {
  const auto row =
      tx.one("SELECT " + std::string(execution_columns) + " FROM executions WHERE id = $1 AND deployment_id = $2", id,
             deployment);
  if (!row) return Reason::execution_not_found;
  return execution_of(*row);
}

Result<Execution> Executions::find(sql::Tx& tx, const OrganisationId& organisation, const ExecutionId& id) const {
  const auto row =
      tx.one("SELECT " + std::string(execution_columns) + " FROM executions WHERE id = $1 AND organisation_id = $2", id,
             organisation);
  if (!row) return Reason::execution_not_found;
  return execution_of(*row);
}

ExecutionPage Executions::list(sql::Tx& tx, const ListExecutions& which) const {
  std::vector<sql::Value> values;
  std::string where = " FROM executions WHERE 1 = 1";
  const auto only = [&](std::string_view column, sql::Value value) {
    values.push_back(value);
    where += " AND " + std::string(column) + " = $" + std::to_string(values.size());
  };
  if (which.deployment) only("deployment_id", *which.deployment);
  if (which.organisation) only("organisation_id", *which.organisation);
  if (which.state) only("state", to_string(*which.state));
  ExecutionPage page;
  page.count = tx.query_with("SELECT count(*)" + where, values).front().integer(0);
  values.push_back(which.limit);
  values.push_back(which.offset);
  const auto limit = " LIMIT $" + std::to_string(values.size() - 1) + " OFFSET $" + std::to_string(values.size());
  for (const auto& row : tx.query_with(
           "SELECT " + std::string(execution_columns) + where + " ORDER BY created_at DESC, id DESC" + limit, values))
    page.executions.push_back(execution_of(row));
  return page;
}

Result<std::vector<ItemResult>> Executions::items(sql::Tx& tx, const Execution& execution, bool text) const {
  if (execution.expired(clock_.now())) return Reason::result_expired;
  return read_results(tx, execution, text);
}

Result<Execution> Executions::cancel(sql::Tx& tx, const Execution& execution) {
  endings_.stop(tx, execution.id, State::stopped, "The execution was cancelled.", fault::cancelled,
                "The execution was cancelled.");
  auto now = TOLL_TRY(find(tx, execution.deployment, execution.id));
  if (now.state != State::stopped)
    return Fault(Reason::execution_finished).with("status", std::string(to_string(now.state)));
  return now;
}

std::size_t Executions::cancel_all(sql::Tx& tx, const DeploymentId& deployment) {
  std::size_t count = 0;
  for (const auto& row :
       tx.query("SELECT id FROM executions WHERE deployment_id = $1 AND ended_at IS NULL", deployment))
    count += endings_.stop(tx, ExecutionId(row.text(0)), State::stopped, "The deployment was deleted.",
                           fault::cancelled, "The deployment was deleted.");
  return count;
}

bool Executions::acknowledge(sql::Tx& tx, const ExecutionId& id) {
  return tx.exec(
             "UPDATE executions SET acknowledged_at = $2 WHERE id = $1 AND acknowledged_at IS NULL AND ended_at IS NOT "
             "NULL",
             id, clock_.now()) == 1;
}

void Executions::give_back(sql::Tx& tx, const ExecutionId& id) {
  tx.exec("UPDATE executions SET acknowledged_at = NULL WHERE id = $1", id);
}

bool Executions::wait(const ExecutionId& id, Micros patience, std::stop_token stop) const {
  // What other processes end is seen by looking; over SQLite there is one server.
  const auto look = std::chrono::milliseconds(db_.engine() == sql::Engine::sqlite ? 1000 : 250);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  struct Told {
    std::mutex mutex;
    std::condition_variable_any changed;
    bool ended = false;
  };
  const auto told = std::make_shared<Told>();
  const auto handle = signals_.on_end(id, [told] {
    std::lock_guard lock(told->mutex);
    told->ended = true;
    told->changed.notify_all();
  });
  const auto has_ended = [&] {
    return db_.read([&](sql::Tx& tx) {
      const auto row = tx.one("SELECT ended_at FROM executions WHERE id = $1", id);
      return !row || !row->is_null(0);
    });
  };
  while (!has_ended()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline || stop.stop_requested()) return false;
    std::unique_lock lock(told->mutex);
    if (told->changed.wait_until(lock, stop, std::min(deadline, now + look), [&] { return told->ended; })) return true;
  }
  return true;
}

void Executions::forget(sql::Tx& tx, const std::string& id) const {
  objects_.detach_owner(tx, id);
  for (const auto* table : {"execution_holds", "execution_steps", "execution_items"})
    tx.exec("DELETE FROM " + std::string(table) + " WHERE execution_id = $1", id);
  tx.exec("DELETE FROM executions WHERE id = $1", id);
}

std::size_t Executions::sweep(sql::Tx& tx, std::size_t limit) {
  const auto now = clock_.now();
  const auto expired = tx.query(
      "SELECT id FROM executions WHERE purged = 0 AND expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at "
      "LIMIT $2",
      now, limit);
  for (const auto& row : expired) {
    const auto& id = row.text(0);
    objects_.detach_owner(tx, id);
    tx.exec(
        "UPDATE execution_items SET output = NULL, files = NULL, content = NULL, history_key = NULL WHERE "
        "execution_id = $1",
        id);
    tx.exec("UPDATE execution_steps SET output = NULL, files = NULL WHERE execution_id = $1", id);
    tx.exec("UPDATE executions SET purged = 1, call = '{}' WHERE id = $1", id);
  }
  std::vector<sql::Row> old;
  if (options_.history.count() > 0)
    old = tx.query("SELECT id FROM executions WHERE ended_at IS NOT NULL AND purged = 1 AND ended_at <= $1 LIMIT $2",
                   now - options_.history, limit);
  for (const auto& row : old) forget(tx, row.text(0));
  if (!old.empty()) definitions_.purge(tx);
  if (!expired.empty()) tx.after_commit([this] { sweeper_.wake(); });
  return expired.size() + old.size();
}

void Executions::remove_payer(sql::Tx& tx, AccountId payer) {
  for (const auto& row : tx.query("SELECT id FROM executions WHERE payer_id = $1", payer)) {
    endings_.stop(tx, ExecutionId(row.text(0)), State::stopped, "The account was deleted.", fault::cancelled,
                  "The account was deleted.");
    forget(tx, row.text(0));
  }
  definitions_.purge(tx);
  tx.after_commit([this] { sweeper_.wake(); });
}

}  // namespace toll::workflows
