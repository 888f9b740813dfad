#include "surfaces/inference/infer_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "surfaces/inference/infer_reader.h"

namespace toll::open_inference {

namespace {

using inference::Tensor;
using Path = std::vector<std::variant<std::string, std::int64_t>>;

constexpr std::size_t most_problems = 100, most_extents = 16, longest_name = 1024, longest_id = 256;

// What this surface does not do, by the parameter that asks for it.
struct Unsupported {
  std::string_view parameter, what;
};
constexpr std::array unsupported{Unsupported{"shared_memory_region", "shared memory is not supported"},
                                 Unsupported{"sequence_id", "sequences are not supported"},
                                 Unsupported{"sequence_start", "sequences are not supported"},
                                 Unsupported{"sequence_end", "sequences are not supported"},
                                 Unsupported{"classification", "classification is not supported"}};

class BodyReader {
 public:
  BodyReader(InferDocument document, std::string_view binary) : document_(std::move(document)), binary_(binary) {}

  Result<InferRequest> read() && {
    if (!document_.rest.is_object()) return refuse({}, "must be a JSON object"), std::move(*this).done();
    const auto& root = document_.rest.get_object();
    if (const auto* id = root.if_contains("id")) {
      if (id->is_string() && id->get_string().size() <= longest_id)
        request_.id = id->get_string();
      else
        refuse({"id"}, fmt::format("must be a text of at most {} bytes", longest_id));
    }
    const auto parameters = parameters_of(root, {"parameters"});
    request_.binary_output = flag(parameters, "binary_data_output", {"parameters"});
    read_inputs(root);
    read_outputs(root);
    if (!binary_.empty() && problems_.empty())
      refuse({}, fmt::format("has {} bytes behind its JSON that no input takes", binary_.size()));
    return std::move(*this).done();
  }

 private:
  void refuse(Path path, std::string why) {
    if (problems_.size() < most_problems)
      problems_.push_back({Place::body, std::move(path), Problem::rejected, std::move(why)});
  }
  Result<InferRequest> done() && {
    if (problems_.empty()) return std::move(request_);
    return Fault(Reason::invalid_request).at(std::move(problems_));
  }

  static Path at(std::string_view list, std::size_t i, std::string_view member = {}) {
    Path path{std::string(list), static_cast<std::int64_t>(i)};
    if (!member.empty()) path.emplace_back(std::string(member));
    return path;
  }

  // The parameters of one object, which do not ask for what there is not.
  const json::Object& parameters_of(const json::Object& object, Path path) {
    static const json::Object none;
    const auto* given = object.if_contains("parameters");
    if (!given || given->is_null()) return none;
    if (!given->is_object()) return refuse(std::move(path), "must be an object"), none;
    for (const auto& one : unsupported)
      if (given->get_object().contains(one.parameter)) refuse(path, std::string(one.what));
    return given->get_object();
  }

  bool flag(const json::Object& parameters, std::string_view name, Path path) {
    const auto* value = parameters.if_contains(name);
    if (!value) return false;
    if (value->is_bool()) return value->get_bool();
    path.emplace_back(std::string(name));
    return refuse(std::move(path), "must be true or false"), false;
  }

  std::string name_of(const json::Object& object, const Path& path) {
    const auto* name = object.if_contains("name");
    if (name && name->is_string() && !name->get_string().empty() && name->get_string().size() <= longest_name)
      return std::string(name->get_string());
    refuse(path, fmt::format("must be a text of 1 to {} bytes", longest_name));
    return {};
  }

  void read_inputs(const json::Object& root) {
    const auto* inputs = root.if_contains("inputs");
    if (!inputs || !inputs->is_array()) return refuse({"inputs"}, "must be a list");
    for (std::size_t i = 0; i < inputs->get_array().size() && problems_.size() < most_problems; ++i) {
      const auto& one = inputs->get_array()[i];
      if (one.is_object())
        read_input(one.get_object(), i);
      else
        refuse(at("inputs", i), "must be an object");
    }
  }

  void read_input(const json::Object& object, std::size_t i) {
    Tensor tensor;
    tensor.name = name_of(object, at("inputs", i, "name"));
    tensor.shape = shape_of(object, i);
    const auto type = type_of(object, i);
    if (type) tensor.type = *type;
    const auto& parameters = parameters_of(object, at("inputs", i, "parameters"));
    const auto* size = parameters.if_contains("binary_data_size");
    const auto data = document_.data.find(i);
    if (size && data != document_.data.end())
      refuse(at("inputs", i), "has both data and binary_data_size");
    else if (size)
      take_binary(*size, i, type, tensor);
    else if (data == document_.data.end())
      refuse(at("inputs", i, "data"), "must be a list of numbers");
    else if (!data->second.why.empty())
      refuse(at("inputs", i, "data"), data->second.why);
    else if (type)
      take_numbers(data->second.numbers, i, tensor);
    if (data != document_.data.end()) document_.data.erase(data);
    request_.inputs.push_back(std::move(tensor));
  }

  std::vector<std::int64_t> shape_of(const json::Object& object, std::size_t i) {
    const auto* shape = object.if_contains("shape");
    std::vector<std::int64_t> out;
    bool fine = shape && shape->is_array() && shape->get_array().size() <= most_extents;
    if (fine)
      for (const auto& extent : shape->get_array()) {
        fine = fine && extent.is_int64() && extent.get_int64() >= 0;
        if (fine) out.push_back(extent.get_int64());
      }
    if (!fine)
      refuse(at("inputs", i, "shape"), fmt::format("must be a list of at most {} whole numbers", most_extents));
    return out;
  }

  std::optional<ElementType> type_of(const json::Object& object, std::size_t i) {
    const auto* datatype = object.if_contains("datatype");
    if (datatype && datatype->is_string()) {
      const std::string_view name = datatype->get_string();
      if (const auto type = type_of_datatype(name)) return type;
      if (name == "BYTES") return refuse(at("inputs", i, "datatype"), "BYTES is not supported"), std::nullopt;
    }
    refuse(at("inputs", i, "datatype"), fmt::format("must be {}", all_datatypes));
    return std::nullopt;
  }

  void take_numbers(const Numbers& numbers, std::size_t i, Tensor& tensor) {
    if (auto why = numbers.to_bytes(tensor.type, tensor.bytes); !why.empty()) refuse(at("inputs", i, "data"), why);
  }

  void take_binary(const json::Value& size, std::size_t i, std::optional<ElementType> type, Tensor& tensor) {
    const auto path = at("inputs", i, "parameters");
    if (!size.is_int64() || size.get_int64() < 0 || static_cast<std::uint64_t>(size.get_int64()) > binary_.size())
      return refuse(path, fmt::format("binary_data_size must be at most the {} bytes that follow", binary_.size()));
    tensor.bytes = binary_.substr(0, static_cast<std::size_t>(size.get_int64()));
    binary_.remove_prefix(tensor.bytes.size());
    if (!type) return;
    if (tensor.bytes.size() % engines::onnx::size_of(*type))
      return refuse(path, "binary_data_size must be of whole elements");
    if (*type == ElementType::boolean && std::ranges::any_of(tensor.bytes, [](char c) { return c != 0 && c != 1; }))
      refuse(at("inputs", i), "must have bytes 0 or 1, being BOOL");
  }

  void read_outputs(const json::Object& root) {
    const auto* outputs = root.if_contains("outputs");
    if (!outputs || outputs->is_null()) return;
    if (!outputs->is_array()) return refuse({"outputs"}, "must be a list");
    for (std::size_t i = 0; i < outputs->get_array().size() && problems_.size() < most_problems; ++i) {
      const auto& one = outputs->get_array()[i];
      if (!one.is_object()) {
        refuse(at("outputs", i), "must be an object");
        continue;
      }
      const auto path = at("outputs", i, "parameters");
      const auto& parameters = parameters_of(one.get_object(), path);
      const bool binary =
          parameters.contains("binary_data") ? flag(parameters, "binary_data", path) : request_.binary_output;
      request_.outputs.push_back({name_of(one.get_object(), at("outputs", i, "name")), binary});
    }
  }

  InferDocument document_;
  std::string_view binary_;
  InferRequest request_;
  std::vector<FieldProblem> problems_;
};

}  // namespace

Result<InferRequest> read_infer(std::string_view body, std::optional<std::uint64_t> json_bytes) {
  const auto length = json_bytes.value_or(body.size());
  if (length > body.size())
    return Fault(Reason::invalid_request)
        .at({{Place::header, {"Inference-Header-Content-Length"}, Problem::rejected, "is more than the body has"}});
  auto document = TOLL_TRY(read_document(body.substr(0, length)));
  return BodyReader(std::move(document), body.substr(length)).read();
}

namespace {

void append_member(std::string& out, std::string_view name, std::string_view text) {
  json::append_string(out, name);
  out += ':';
  json::append_string(out, text);
}

// {"name":...,"shape":...,"datatype":...,"parameters"?:...,"data"?:...}; the bytes of a binary one go elsewhere.
void append_output(std::string& out, const Tensor& tensor, bool binary) {
  out += '{';
  append_member(out, "name", tensor.name);
  out += ",\"shape\":" + inference::shape_text(tensor.shape) + ",";
  append_member(out, "datatype", datatype_of(tensor.type));
  if (binary) {
    out += fmt::format(",\"parameters\":{{\"binary_data_size\":{}}}}}", tensor.bytes.size());
    return;
  }
  out += ",\"data\":";
  if (const auto lost = append_numbers(out, tensor.type, tensor.bytes))
    out += fmt::format(",\"parameters\":{{\"non_finite\":{}}}", lost);
  out += '}';
}

}  // namespace

InferResponse write_infer(const inference::Answer& answer, std::string_view id, const std::vector<bool>& binary) {
  InferResponse out;
  auto& body = out.body;
  body += '{';
  append_member(body, "model_name", answer.target.repo_id);
  if (!answer.target.version.empty()) append_member(body += ',', "model_version", answer.target.version);
  if (!id.empty()) append_member(body += ',', "id", id);
  body += ",\"parameters\":{";
  append_member(body, "digest", answer.target.digest);
  append_member(body += ',', "file", answer.target.file.rfilename);
  append_member(body += ',', "file_sha256", answer.target.file_sha256());
  body += ",\"credits\":" + metering::to_text(answer.price);
  if (!answer.id.empty()) append_member(body += ',', "call", answer.id);
  body += "},\"outputs\":[";
  for (std::size_t i = 0; i < answer.outputs.size(); ++i) {
    if (i) body += ',';
    append_output(body, answer.outputs[i], binary[i]);
  }
  body += "]}";
  const auto json_bytes = body.size();
  for (std::size_t i = 0; i < answer.outputs.size(); ++i) {
    if (!binary[i]) continue;
    out.json_bytes = json_bytes;
    body += answer.outputs[i].bytes;
  }
  return out;
}

}  // namespace toll::open_inference
