#include "surfaces/inference/endpoints/models.h"

#include "base/text.h"
#include "json/parse.h"
#include "surfaces/inference/dialect.h"

namespace toll::open_inference {

namespace {
constexpr std::int64_t most_index_rows = 1000;
}

Result<ModelView> describe_model(Call& call) {
  const auto& target = admitted(call).target;
  const auto schema = TOLL_TRY(call.house.inference.describe(call.account(), target, hangup(call)));
  return ModelView{
      .name = target.repo_id,
      .versions = target.version.empty() ? std::vector<std::string>() : std::vector<std::string>(1, target.version),
      .platform = "onnxruntime_onnx",
      .inputs = view(schema->inputs),
      .outputs = view(schema->outputs),
      .digest = target.digest,
      .file = target.file.rfilename,
      .file_sha256 = target.file_sha256(),
      .credits = {call.house.inference.price_of(target.repo_id)}};
}

Result<ReadyView> model_ready(Call& call, const std::string& repo, const std::string& version,
                              const std::optional<std::string>& file) {
  if (!call.house.can_run) return Fault(Reason::model_not_ready).with("model", repo);
  const auto target = TOLL_TRY(call.house.inference.resolve(call.tx(), viewer(call), repo, version, file.value_or("")));
  return ReadyView{target.repo_id, true};
}

json::Object ListIndex::body_schema() {
  const json::Object ready{{"type", "boolean"}, {"description", "true: only models that would run."}};
  return {{"type", "object"}, {"properties", json::Object{{"ready", ready}}}};
}

namespace {
// Clients of the protocol send nothing at all, or {"ready":true}.
Result<bool> wants_ready_alone(std::string_view body) {
  if (trim(body).empty()) return false;
  const auto value = TOLL_TRY(json::parse(body));
  const auto* object = value.if_object();
  const auto* ready = object ? object->if_contains("ready") : nullptr;
  if (object && (!ready || ready->is_bool())) return ready && ready->get_bool();
  return Fault(Reason::invalid_request).at({{Place::body, {"ready"}, Problem::not_boolean, "must be true or false"}});
}
}  // namespace

Result<ListIndex::Response> ListIndex::handle(Call& call, const Request& in) {
  const bool ready_alone = TOLL_TRY(wants_ready_alone(*in.body.bytes));
  const auto& inference = call.house.inference;
  Response out;
  for (auto& [repo, version, files] : inference.serving().offers(call.tx(), viewer(call), inference::engine_name,
                                                                 inference::ending, most_index_rows)) {
    const auto file = inference::file_of(files, {});
    if (file)
      out.push_back({repo, version, "READY", ""});
    else if (!ready_alone)
      out.push_back({repo, "", "UNAVAILABLE", file.error().fill(Dialect::row(file.error().reason()).text)});
  }
  return out;
}

}  // namespace toll::open_inference
