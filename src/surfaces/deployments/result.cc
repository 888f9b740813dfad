#include "surfaces/deployments/result.h"

#include <map>

#include "surfaces/deployments/fields.h"

namespace toll::deployed {

namespace {

using workflows::Execution;
using workflows::ItemResult;
using workflows::ItemState;
using workflows::ModelUse;

constexpr std::chrono::seconds url_life{3600};

double seconds(Micros time) {
  return static_cast<double>(time.count()) / 1e6;
}

json::Value text_or_null(const std::optional<std::string>& text) {
  return text ? json::Value(*text) : json::Value(nullptr);
}

json::Value time_or_null(const std::optional<Time>& time) {
  return time ? json::Value(iso(*time)) : json::Value(nullptr);
}

// Dollars, with as many digits as there are: "0.0", "0.00012".
std::string dollars(std::int64_t micros) {
  auto text = std::to_string(micros % 1'000'000);
  text.insert(0, 6 - text.size(), '0');
  while (text.size() > 1 && text.ends_with('0')) text.pop_back();
  return std::to_string(micros / 1'000'000) + "." + text;
}

std::map<std::string, ModelUse> models_of(const ItemResult& item) {
  std::map<std::string, ModelUse> out;
  for (const auto& step : item.steps)
    for (const auto& use : step.models) {
      auto& sum = out[use.model];
      sum.model = use.model;
      sum.calls += use.calls;
      sum.prompt_tokens += use.prompt_tokens;
      sum.completion_tokens += use.completion_tokens;
      sum.embedding_tokens += use.embedding_tokens;
      sum.cost_micro_dollars += use.cost_micro_dollars;
    }
  return out;
}

json::Object model_metadata(const ItemResult& item) {
  json::Array llm, embedding;
  for (const auto& [name, use] : models_of(item)) {
    if (use.embedding_tokens > 0)
      embedding.push_back(json::Object{{"model_name", name},
                                       {"cost_in_dollars", dollars(use.cost_micro_dollars)},
                                       {"embedding_tokens", use.embedding_tokens}});
    if (use.embedding_tokens > 0 && use.prompt_tokens + use.completion_tokens == 0) continue;
    llm.push_back(json::Object{{"model_name", name},
                               {"cost_in_dollars", dollars(use.cost_micro_dollars)},
                               {"input_tokens", use.prompt_tokens},
                               {"output_tokens", use.completion_tokens},
                               {"total_tokens", use.prompt_tokens + use.completion_tokens}});
  }
  json::Object out{{"extraction_llm", std::move(llm)}, {"embedding", std::move(embedding)}};
  if (item.metadata.is_object())
    for (const auto& [step, pinned] : item.metadata.get_object()) out[step] = pinned;
  return out;
}

json::Object usage(const ItemResult& item) {
  ModelUse sum;
  for (const auto& [name, use] : models_of(item)) {
    sum.prompt_tokens += use.prompt_tokens;
    sum.completion_tokens += use.completion_tokens;
    sum.embedding_tokens += use.embedding_tokens;
    sum.cost_micro_dollars += use.cost_micro_dollars;
  }
  return {{"embedding_tokens", sum.embedding_tokens},
          {"prompt_tokens", sum.prompt_tokens},
          {"completion_tokens", sum.completion_tokens},
          {"total_tokens", sum.prompt_tokens + sum.completion_tokens + sum.embedding_tokens},
          {"cost_in_dollars", static_cast<double>(sum.cost_micro_dollars) / 1e6},
          {"file_execution_id", item.id}};
}

json::Object metrics(const ItemResult& item) {
  json::Object out;
  for (const auto& step : item.steps)
    if (step.ended_at)
      out[step.step] =
          json::Object{{"time_taken_ms", seconds(*step.ended_at - step.started_at) * 1000}, {"attempts", step.attempt}};
  return out;
}

json::Array files(const Execution& execution, const ItemResult& item, const Signing& signing) {
  json::Array out;
  for (const auto& one : item.files) {
    auto file = workflows::file_json(one.file);
    file["url"] = signing.urls.read(signing.origin, one.key, execution.payer, url_life);
    out.push_back(std::move(file));
  }
  return out;
}

json::Object outer_metadata(const Execution& execution, const ItemResult& item, const Include& include) {
  json::Array tags;
  if (!execution.tag.empty()) tags.emplace_back(execution.tag);
  const auto took = item.started_at && item.ended_at ? *item.ended_at - *item.started_at : Micros(0);
  json::Object out{{"source_name", item.name},
                   {"source_hash", item.sha256},
                   {"workflow_id", execution.workflow.value()},
                   {"execution_id", execution.id.value()},
                   {"file_execution_id", item.id},
                   {"organization_id", execution.organisation.value()},
                   {"tags", std::move(tags)},
                   {"total_elapsed_time", seconds(took)},
                   {"workflow_start_time",
                    static_cast<double>(to_micros(execution.started_at.value_or(execution.created_at))) / 1e6}};
  if (item.from_history) out["from_history"] = true;
  if (include.metadata) out["usage"] = usage(item);
  return out;
}

json::Object item_json(const Execution& execution, const ItemResult& item, const Include& include,
                       const Signing& signing) {
  const bool fine = item.state == ItemState::succeeded;
  json::Value result;
  if (fine) {
    json::Object inner{{"output", item.output}, {"files", files(execution, item, signing)}};
    if (include.metadata) inner["metadata"] = model_metadata(item);
    if (include.metrics) inner["metrics"] = metrics(item);
    result = std::move(inner);
  }
  json::Object out{{"file", item.name},
                   {"file_execution_id", item.id},
                   {"status", fine ? "Success" : "Failed"},
                   {"result", std::move(result)},
                   {"error", fine ? json::Value(nullptr) : json::Value(item.error.value_or("failed"))},
                   {"metadata", outer_metadata(execution, item, include)}};
  if (include.text) out["extracted_text"] = text_or_null(item.extracted_text);
  return out;
}

json::Object step_json(const workflows::StepRun& step) {
  std::int64_t cost = step.cost.micros;
  return {{"step", step.step},
          {"status", step.status},
          {"attempt", step.attempt},
          {"started_at", iso(step.started_at)},
          {"ended_at", time_or_null(step.ended_at)},
          {"error", text_or_null(step.error)},
          {"tokens", step.tokens()},
          {"bytes", step.bytes},
          {"pages", step.pages},
          {"cost_micro", cost}};
}

std::string_view status_of(ItemState state) {
  switch (state) {
    case ItemState::waiting:
      return "Pending";
    case ItemState::running:
      return "Executing";
    case ItemState::succeeded:
      return "Success";
    case ItemState::failed:
      return "Failed";
  }
  return "Failed";
}

}  // namespace

json::Array items_json(const Execution& execution, const std::vector<ItemResult>& items, const Include& include,
                       const Signing& signing) {
  json::Array out;
  for (const auto& item : items) out.push_back(item_json(execution, item, include, signing));
  return out;
}

json::Object response_json(const Execution& execution, const std::string& status_api, json::Value result) {
  const auto state = workflows::to_string(execution.state);
  return {{"execution_id", execution.id.value()},
          {"status", state},
          {"message", json::Object{{"execution_id", execution.id.value()},
                                   {"execution_status", state},
                                   {"status_api", status_api},
                                   {"error", text_or_null(execution.error)},
                                   {"result", std::move(result)}}}};
}

json::Object compat_json(const Execution& execution, json::Value message) {
  return {{"execution_id", execution.id.value()},
          {"status", workflows::to_string(execution.state)},
          {"error", text_or_null(execution.error)},
          {"message", std::move(message)}};
}

json::Object history_json(const Execution& execution) {
  return {{"id", execution.id.value()},
          {"deployment", execution.deployment.value()},
          {"workflow", execution.workflow.value()},
          {"revision", execution.revision},
          {"status", workflows::to_string(execution.state)},
          {"error", text_or_null(execution.error)},
          {"tag", execution.tag},
          {"total_files", execution.items},
          {"successful_files", execution.succeeded},
          {"cost_micro", execution.cost.micros},
          {"created_at", iso(execution.created_at)},
          {"started_at", time_or_null(execution.started_at)},
          {"ended_at", time_or_null(execution.ended_at)},
          {"result_expires_at", time_or_null(execution.expires_at)}};
}

json::Object history_json(const Execution& execution, const std::vector<ItemResult>& items) {
  auto out = history_json(execution);
  json::Array list;
  for (const auto& item : items) {
    json::Array steps;
    for (const auto& step : item.steps) steps.push_back(step_json(step));
    list.push_back(json::Object{{"file", item.name},
                                {"file_execution_id", item.id},
                                {"status", status_of(item.state)},
                                {"sha256", item.sha256},
                                {"size", item.size},
                                {"error", text_or_null(item.error)},
                                {"from_history", item.from_history},
                                {"started_at", time_or_null(item.started_at)},
                                {"ended_at", time_or_null(item.ended_at)},
                                {"steps", std::move(steps)}});
  }
  out["items"] = std::move(list);
  return out;
}

}  // namespace toll::deployed
