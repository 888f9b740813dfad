// Params and answers of the engine "onnx".
#include <boost/json.hpp>

#include "engines/onnx/onnx_engine.h"

namespace toll::engines::onnx {
namespace json = boost::json;
namespace {

Fault refuse_params(const std::string& why) {
  return Fault(Reason::invalid_request).because("onnx params: " + why);
}

// A member that may be left out, within bounds.
template <class T>
Result<void> number(const json::object& object, const char* name, std::int64_t least, std::int64_t most, T& out) {
  const auto* value = object.if_contains(name);
  if (!value) return {};
  if (!value->is_int64() || value->get_int64() < least || value->get_int64() > most)
    return refuse_params(std::string(name) + " is out of bounds");
  out = static_cast<T>(value->get_int64());
  return {};
}

Result<std::vector<std::int64_t>> shape(const json::value& value) {
  if (!value.is_array() || value.get_array().size() > 16) return refuse_params("a shape is no list");
  std::vector<std::int64_t> out;
  for (const auto& extent : value.get_array()) {
    if (!extent.is_int64() || extent.get_int64() < 0) return refuse_params("an extent is no number");
    out.push_back(extent.get_int64());
  }
  return out;
}

json::array write_tensors(const std::vector<TensorInfo>& tensors) {
  json::array out;
  for (const auto& tensor : tensors)
    out.push_back(json::object{{"name", tensor.name},
                               {"type", name_of(tensor.type)},
                               {"shape", json::array(tensor.shape.begin(), tensor.shape.end())}});
  return out;
}

std::vector<TensorInfo> parse_tensors(const json::value& value) {
  std::vector<TensorInfo> out;
  for (const auto& one : value.as_array()) {
    TensorInfo info{std::string(one.at("name").as_string())};
    const std::string_view type = one.at("type").as_string();
    for (int t = 0; t <= static_cast<int>(ElementType::boolean); ++t)
      if (name_of(static_cast<ElementType>(t)) == type) info.type = static_cast<ElementType>(t);
    for (const auto& extent : one.at("shape").as_array()) info.shape.push_back(extent.to_number<std::int64_t>());
    out.push_back(std::move(info));
  }
  return out;
}

}  // namespace

Result<Request> parse_request(std::string_view params) {
  boost::system::error_code error;
  const auto value = json::parse(params, error);
  if (error || !value.is_object()) return refuse_params("not a JSON object");
  const auto& object = value.get_object();
  Request request;
  if (const auto* action = object.if_contains("action")) {
    if (*action != "run" && *action != "describe") return refuse_params("unknown action");
    if (*action == "describe") request.action = Request::Action::describe;
  }
  if (const auto* digest = object.if_contains("sha256")) {
    const bool fits = digest->is_string() && digest->get_string().size() == 64 &&
                      std::string_view(digest->get_string()).find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!fits) return refuse_params("sha256 is no digest");
    request.sha256 = std::string(digest->get_string());
  }
  if (auto read = number(object, "threads", 0, 64, request.threads); !read) return std::move(read).error();
  if (auto read = number(object, "memory_mib", 64, most_memory_mib, request.memory_mib); !read) return std::move(read).error();
  if (auto read = number(object, "batch", 0, 1 << 20, request.batch); !read) return std::move(read).error();
  if (const auto* spin = object.if_contains("spin")) {
    if (!spin->is_bool()) return refuse_params("spin is no boolean");
    request.spin = spin->get_bool();
  }
  if (const auto* shapes = object.if_contains("shapes")) {
    if (!shapes->is_object()) return refuse_params("shapes is no object");
    for (const auto& [name, extents] : shapes->get_object())
      request.shapes[std::string(name)] = TOLL_TRY(shape(extents));
  }
  return request;
}

std::string write_request(const Request& request) {
  json::object shapes;
  for (const auto& [name, extents] : request.shapes) shapes[name] = json::array(extents.begin(), extents.end());
  json::object out{{"action", request.action == Request::Action::run ? "run" : "describe"},
                   {"threads", request.threads},
                   {"memory_mib", request.memory_mib},
                   {"batch", request.batch},
                   {"spin", request.spin},
                   {"shapes", shapes}};
  if (!request.sha256.empty()) out["sha256"] = request.sha256;
  return json::serialize(out);
}

std::string write_schema(const Schema& schema) {
  json::object metadata;
  for (const auto& [key, value] : schema.metadata) metadata[key] = value;
  return json::serialize(json::object{{"inputs", write_tensors(schema.inputs)},
                                      {"outputs", write_tensors(schema.outputs)},
                                      {"metadata", std::move(metadata)}});
}

Result<Schema> parse_schema(std::string_view answer) {
  try {
    const auto object = json::parse(answer).as_object();
    Schema schema{parse_tensors(object.at("inputs")), parse_tensors(object.at("outputs")), {}};
    for (const auto& [key, value] : object.at("metadata").as_object())
      schema.metadata[std::string(key)] = std::string(value.as_string());
    return schema;
  } catch (const std::exception&) {
    return Fault(Reason::internal).because("unreadable answer of onnx");
  }
}

Result<std::vector<TensorInfo>> parse_outputs(std::string_view answer) {
  try {
    return parse_tensors(json::parse(answer).as_object().at("outputs"));
  } catch (const std::exception&) {
    return Fault(Reason::internal).because("unreadable answer of onnx");
  }
}

}  // namespace toll::engines::onnx
