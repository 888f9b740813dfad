#include "workflows/rows.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "base/text.h"
#include "workflows/executions.h"
#include "workflows/files.h"

namespace toll::workflows {

namespace {

constexpr std::array<std::string_view, 4> item_states{"waiting", "running", "succeeded", "failed"};

ItemState item_state_of(std::string_view name) {
  const auto found = std::ranges::find(item_states, name);
  if (found == item_states.end()) throw std::runtime_error("an item is in no known state");
  return static_cast<ItemState>(found - item_states.begin());
}

Sha256 digest_of(std::string_view text) {
  Sha256 out{};
  for (std::size_t i = 0; i < out.size() && 2 * i + 1 < text.size(); ++i)
    out[i] = static_cast<std::byte>(std::stoi(std::string(text.substr(2 * i, 2)), nullptr, 16));
  return out;
}

std::string_view kind_of(const Item& item) {
  if (item.file) return "file";
  if (item.text) return "text";
  return item.url ? "url" : "data";
}

std::string content_of(const Item& item) {
  if (item.text) return *item.text;
  if (item.data) return boost::json::serialize(*item.data);
  return item.url.value_or("");
}

std::int64_t whole(const json::Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_number() ? value->to_number<std::int64_t>() : 0;
}

std::string word(const json::Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

StepRun run_of(const sql::Row& row) {
  StepRun out;
  out.step = row.text(1);
  out.status = row.text(2);
  out.attempt = static_cast<int>(row.integer(3));
  out.started_at = row.time(4);
  out.ended_at = row.maybe_time(5);
  out.error = row.maybe_text(6);
  out.models = models_of(stored_json(row.maybe_text(7)));
  out.pages = row.integer(8);
  out.bytes = row.integer(9);
  out.cost = {row.integer(10)};
  return out;
}

// The text that the last step with one read out of a document.
std::optional<std::string> extracted(sql::Tx& tx, const ExecutionId& id, std::int64_t ordinal) {
  for (const auto& row : tx.query("SELECT output FROM execution_steps WHERE execution_id = $1 AND ordinal = $2 AND "
                                  "pages > 0 AND output IS NOT "
                                  "NULL ORDER BY ended_at DESC",
                                  id, ordinal)) {
    const auto output = stored_json(row.maybe_text(0));
    if (const auto* object = output.if_object())
      if (const auto text = word(*object, "text"); object->contains("text")) return text;
  }
  return std::nullopt;
}

ItemResult result_of(const sql::Row& row, const Execution& execution) {
  ItemResult out;
  out.ordinal = row.integer(0);
  out.id = row.text(1);
  out.name = row.text(2);
  out.mime = row.text(3);
  out.sha256 = row.maybe_text(4).value_or("");
  out.size = row.integer(5);
  out.state = item_state_of(row.text(6));
  out.output = stored_json(row.maybe_text(7));
  for (auto& [step, file] : files_of(stored_json(row.maybe_text(8))))
    out.files.push_back({file_key(execution.id, out.ordinal, step, file.name), step, file});
  out.error = row.maybe_text(9);
  out.from_history = row.boolean(10);
  out.started_at = row.maybe_time(11);
  out.ended_at = row.maybe_time(12);
  return out;
}

}  // namespace

std::optional<State> state_from(std::string_view name) {
  for (const auto state : {State::pending, State::executing, State::completed, State::error, State::stopped})
    if (equal_ignoring_case(to_string(state), name)) return state;
  return std::nullopt;
}

std::string_view to_string(ItemState state) {
  return item_states[static_cast<std::size_t>(state)];
}

std::int64_t StepRun::tokens() const {
  std::int64_t sum = 0;
  for (const auto& model : models) sum += model.prompt_tokens + model.completion_tokens + model.embedding_tokens;
  return sum;
}

void insert_item(sql::Tx& tx, const NewItem& where, const Item& item, const std::optional<std::string>& history_key,
                 std::string_view kind) {
  const auto content = content_of(item);
  const auto size = item.file ? static_cast<std::int64_t>(item.file->size) : static_cast<std::int64_t>(content.size());
  tx.exec(
      "INSERT INTO execution_items (execution_id, ordinal, id, source, kind, name, mime, size, sha256, content, state, "
      "turn, history_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', $11, $12)",
      where.execution, item.ordinal, item.id, where.source, kind.empty() ? kind_of(item) : kind, item.name, item.mime,
      size, item.sha256.empty() ? std::nullopt : std::optional(item.sha256),
      item.file || !kind.empty() ? std::nullopt : std::optional(content), where.turn, history_key);
}

Item item_of(const sql::Row& row, std::size_t first) {
  Item out;
  const auto& kind = row.text(first);
  out.name = row.text(first + 1);
  out.mime = row.text(first + 2);
  out.sha256 = row.maybe_text(first + 4).value_or("");
  const auto content = row.maybe_text(first + 5);
  if (kind == "file")
    out.file = File{out.name, out.mime, digest_of(out.sha256), static_cast<std::uint64_t>(row.integer(first + 3))};
  else if (kind == "text")
    out.text = content.value_or("");
  else if (kind == "data")
    out.data = stored_json(content);
  else if (kind == "url")
    out.url = content.value_or("");
  out.id = row.text(first + 6);
  out.ordinal = row.integer(first + 7);
  return out;
}

std::vector<Price> prices_of(sql::Tx& tx, const Catalogue& catalogue, const Definition& definition,
                             const OrganisationId& organisation, AccountId payer, const std::string& source) {
  std::vector<Price> out;
  const auto goes = steps_of_item(definition, catalogue, source);
  for (std::size_t i = 0; i < definition.steps.size(); ++i) {
    const auto& step = definition.steps[i];
    const auto* kind = goes[i] ? catalogue.find(step.uses) : nullptr;
    if (!kind) continue;
    const auto price = kind->price({tx, organisation, payer, step.with});
    if (price.micros > 0) out.push_back({step.id, step.uses, price.micros});
  }
  return out;
}

Result<void> hold_for_item(sql::Tx& tx, const metering::Ledger& ledger, const std::vector<Price>& prices,
                           const HoldFor& what) {
  for (const auto& [step, uses, micros] : prices) {
    const auto held = TOLL_TRY(ledger.hold(tx, what.payer, {micros}, "Workflow step: " + uses, what.execution.value()));
    tx.exec("INSERT INTO execution_holds (execution_id, ordinal, step, hold_id, micros) VALUES ($1, $2, $3, $4, $5)",
            what.execution, what.ordinal, step, held, micros);
  }
  return {};
}

void release_item(sql::Tx& tx, const metering::Ledger& ledger, const ExecutionId& execution, std::int64_t ordinal) {
  for (const auto& hold :
       tx.query("DELETE FROM execution_holds WHERE execution_id = $1 AND ordinal = $2 RETURNING hold_id", execution,
                ordinal))
    ledger.release(tx, HoldId(hold.integer(0)), "Refund: workflow execution");
}

json::Array models_json(const std::vector<ModelUse>& models) {
  json::Array out;
  for (const auto& model : models)
    out.push_back(json::Object{{"model", model.model},
                               {"calls", model.calls},
                               {"prompt", model.prompt_tokens},
                               {"completion", model.completion_tokens},
                               {"embedding", model.embedding_tokens},
                               {"cost_micro_dollars", model.cost_micro_dollars}});
  return out;
}

std::vector<ModelUse> models_of(const json::Value& value) {
  std::vector<ModelUse> out;
  if (!value.is_array()) return out;
  for (const auto& item : value.get_array()) {
    const auto* object = item.if_object();
    if (object)
      out.push_back({word(*object, "model"), whole(*object, "calls"), whole(*object, "prompt"),
                     whole(*object, "completion"), whole(*object, "embedding"), whole(*object, "cost_micro_dollars")});
  }
  return out;
}

json::Array files_json(const std::string& step, const std::vector<File>& files) {
  json::Array out;
  for (const auto& file : files) {
    auto object = file_json(file);
    object["step"] = step;
    out.push_back(std::move(object));
  }
  return out;
}

std::vector<std::pair<std::string, File>> files_of(const json::Value& value) {
  std::vector<std::pair<std::string, File>> out;
  if (!value.is_array()) return out;
  for (const auto& item : value.get_array())
    if (const auto* object = item.if_object())
      out.emplace_back(word(*object, "step"),
                       File{word(*object, "name"), word(*object, "content_type"), digest_of(word(*object, "sha256")),
                            static_cast<std::uint64_t>(whole(*object, "size"))});
  return out;
}

json::Value stored_json(const std::optional<std::string>& text) {
  if (!text) return nullptr;
  // Deeper than what comes in from outside, which outputs wrap.
  boost::json::parse_options deep;
  deep.max_depth = 1024;
  return boost::json::parse(*text, {}, deep);
}

std::vector<ItemResult> read_results(sql::Tx& tx, const Execution& execution, bool text) {
  std::vector<ItemResult> out;
  for (const auto& row :
       tx.query("SELECT ordinal, id, name, mime, sha256, size, state, output, files, error, "
                "from_history, started_at, ended_at "
                "FROM execution_items WHERE execution_id = $1 AND kind NOT IN ('listing', 'notice') ORDER BY ordinal",
                execution.id))
    out.push_back(result_of(row, execution));
  std::map<std::int64_t, ItemResult*> by_ordinal;
  for (auto& item : out) by_ordinal[item.ordinal] = &item;
  for (const auto& row : tx.query(
           "SELECT ordinal, step, state, attempt, started_at, ended_at, error, usage, pages, bytes, cost_micro FROM "
           "execution_steps WHERE execution_id = $1 ORDER BY ordinal, started_at, step",
           execution.id)) {
    const auto found = by_ordinal.find(row.integer(0));
    if (found != by_ordinal.end()) found->second->steps.push_back(run_of(row));
  }
  const auto pins = tx.one("SELECT pins FROM executions WHERE id = $1", execution.id);
  const auto pinned = pins ? stored_json(pins->maybe_text(0)) : json::Value(nullptr);
  for (auto& item : out) {
    item.metadata = pinned;
    if (text) item.extracted_text = extracted(tx, execution.id, item.ordinal);
  }
  return out;
}

}  // namespace toll::workflows
