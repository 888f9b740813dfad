#include "surfaces/inference/endpoints/infer.h"

#include <algorithm>

#include "base/text.h"
#include "surfaces/inference/datatypes.h"

namespace toll::open_inference {

namespace {

// An answer that is kept for an Idempotency-Key is at most so long; of a longer one it is kept that it was given.
constexpr std::size_t most_kept = 1 << 20;

Result<std::optional<std::uint64_t>> json_bytes(const Call& call) {
  const auto header = call.request.fields.find(json_length_header);
  if (!header) return std::optional<std::uint64_t>();
  const auto length = parse_int(trim(*header));
  if (length && *length >= 0) return std::optional<std::uint64_t>(*length);
  return Fault(Reason::invalid_request)
      .at({{Place::header, {std::string(json_length_header)}, Problem::not_a_number, "must be a whole number"}});
}

std::vector<bool> binary_flags(const InferRequest& request, const inference::Answer& answer) {
  std::vector<bool> out;
  for (const auto& wanted : request.outputs) out.push_back(wanted.binary);
  out.resize(answer.outputs.size(), request.binary_output);
  return out;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields fields_of(const InferResponse& written) {
  if (!written.json_bytes) return {{"Content-Type", "application/json"}};
  return {{"Content-Type", "application/octet-stream"},
          {std::string(json_length_header), std::to_string(*written.json_bytes)}};
}

// As the first answer was, binary tensors and all.
metering::KeptAnswer kept_answer(const InferRequest& request, const inference::Answer& answer) {
  std::uint64_t bytes = 0;
  for (const auto& output : answer.outputs) bytes += output.bytes.size();
  if (bytes <= most_kept) {
    auto written = write_infer(answer, request.id, binary_flags(request, answer));
    if (written.body.size() <= most_kept)
      return {.status = 200, .fields = fields_of(written), .body = std::move(written.body)};
  }
  return {.status = 409,
          .fields = {},
          .body = R"({"error":"this call was run and charged once; its answer was too large to be kept for its )"
                  R"(Idempotency-Key: send another key to run it again"})"};
}

json::Object list_of(json::Object item) {
  return {{"type", "array"}, {"items", std::move(item)}};
}

}  // namespace

Result<void> admit_infer(Call& call) {
  if (const auto coding = call.request.fields.find("Content-Encoding"))
    if (!equal_ignoring_case(trim(*coding), "identity")) return Reason::unsupported_media_type;
  const auto limit = call.house.max_body_bytes;
  if (call.request.content_length.value_or(0) > limit)
    return Fault(Reason::body_too_large).with("limit", std::to_string(limit));
  return admit_model(call);
}

Result<http::Response> infer(Call& call, const std::string& body) {
  // The answer takes room until its last byte is out.
  call.served = [place = admitted(call).place](const auto&) {};
  const auto length = TOLL_TRY(json_bytes(call));
  auto request = TOLL_TRY(read_infer(body, length));
  inference::Call run{admitted(call).place, admitted(call).target, std::move(request.inputs), {},
                      hangup(call),         admitted(call).balance};
  for (const auto& wanted : request.outputs) run.outputs.push_back(wanted.name);
  inference::Inference::Settle settle;
  if (call.keep_answer)
    settle = [&](const inference::Answer& answer) {
      return [&call, kept = kept_answer(request, answer)](sql::Tx& tx) { return call.keep_answer(tx, kept); };
    };
  const auto answer = call.house.inference.run(std::move(run), settle);
  if (!answer) {
    note_run(call, admitted(call).target, answer.error().kind() == Kind::unpaid ? "denied" : "error", 0);
    return answer.error();
  }
  auto written = write_infer(*answer, request.id, binary_flags(request, *answer));
  note_run(call, answer->target, "ok", written.body.size());
  http::Response response;
  for (auto& [name, value] : fields_of(written)) response.fields.add(name, value);
  response.body = std::move(written.body);
  return response;
}

json::Object infer_body_schema() {
  const json::Object text{{"type", "string"}}, object{{"type", "object"}};
  const json::Object input{
      {"type", "object"},
      {"properties", json::Object{{"name", text},
                                  {"shape", list_of({{"type", "integer"}})},
                                  {"datatype", json::Object{{"type", "string"}, {"description", all_datatypes}}},
                                  {"data", json::Object{{"type", "array"},
                                                        {"description",
                                                         "Row-major; nested or flat. Absent where "
                                                         "parameters.binary_data_size is given."}}},
                                  {"parameters", object}}},
      {"required", json::Array{"name", "shape", "datatype"}}};
  const json::Object output{{"type", "object"},
                            {"properties", json::Object{{"name", text}, {"parameters", object}}},
                            {"required", json::Array{"name"}}};
  return {
      {"type", "object"},
      {"properties",
       json::Object{{"id", text}, {"parameters", object}, {"inputs", list_of(input)}, {"outputs", list_of(output)}}},
      {"required", json::Array{"inputs"}}};
}

}  // namespace toll::open_inference
