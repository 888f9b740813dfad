#include "engine/frames.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <stdexcept>

#include "base/text.h"

namespace toll::engine {

namespace json = boost::json;

namespace {

constexpr std::size_t length_bytes = 4;
constexpr std::size_t max_depth = 32;
constexpr std::size_t max_arguments = 8;
constexpr std::size_t max_argument_bytes = 200;
constexpr std::size_t max_cause_bytes = 2000;
constexpr std::size_t max_name_bytes = 100;

std::string framed(const json::object& object) {
  std::string text = json::serialize(object);
  if (text.size() > max_frame_bytes)
    throw std::length_error("engine frame of " + std::to_string(text.size()) + " bytes");
  auto size = static_cast<std::uint32_t>(text.size());
  std::string out;
  out.reserve(length_bytes + text.size());
  for (std::size_t i = 0; i < length_bytes; ++i) out += static_cast<char>(size >> (8 * i));
  return out += text;
}

std::optional<json::object> parse_object(std::string_view text) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::optional<std::string> text_of(const json::object& object, std::string_view name, std::size_t limit) {
  const json::value* value = object.if_contains(name);
  if (!value || !value->is_string() || value->get_string().size() > limit) return std::nullopt;
  return std::string(value->get_string());
}

std::optional<std::int64_t> integer_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (!value || !value->is_int64() || value->get_int64() < 0) return std::nullopt;
  return value->get_int64();
}

std::optional<std::vector<std::string>> names_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (!value || !value->is_array() || value->get_array().size() > max_descriptors) return std::nullopt;
  std::vector<std::string> names;
  for (const json::value& item : value->get_array()) {
    if (!item.is_string() || item.get_string().size() > max_name_bytes) return std::nullopt;
    names.emplace_back(item.get_string());
  }
  return names;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out(utf8_prefix(text, limit));
  std::erase_if(out, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  return out;
}

// What an engine may say about a run; worker_lost and the like are for the host to find out.
bool may_end_a_run(Reason reason) {
  if (reason == Reason::cancelled) return true;
  if (reason == Reason::worker_lost || reason == Reason::job_timed_out) return false;
  Kind kind = row_of(reason).kind;
  return kind == Kind::invalid || kind == Kind::unavailable || kind == Kind::internal;
}

std::optional<Fault> fault_of(const json::object& object) {
  auto code = text_of(object, "reason", max_name_bytes);
  auto cause = text_of(object, "cause", max_frame_bytes);
  const json::value* arguments = object.if_contains("arguments");
  if (!code || !cause || !arguments || !arguments->is_object() || arguments->get_object().size() > max_arguments)
    return std::nullopt;
  Reason reason = reason_from_code(*code);
  if (row_of(reason).code != *code || !may_end_a_run(reason)) return std::nullopt;
  Fault fault(reason);  // with() changes it where it stands
  for (const auto& [name, value] : arguments->get_object()) {
    if (!value.is_string()) return std::nullopt;
    std::move(fault).with(printable(name, max_argument_bytes), printable(value.get_string(), max_argument_bytes));
  }
  return std::move(fault).because(printable(*cause, max_cause_bytes));
}

json::array array_of(const std::vector<std::string>& names) {
  return json::array(names.begin(), names.end());
}

struct HostWriter {
  json::object operator()(const RunFrame& f) const {
    return {{"type", "run"},
            {"run", f.run},
            {"engine", f.engine},
            {"params", f.params},
            {"inputs", array_of(f.inputs)},
            {"outputs", array_of(f.outputs)},
            {"scratch", static_cast<std::int64_t>(f.scratch)}};
  }
  json::object operator()(const CancelFrame& f) const { return {{"type", "cancel"}, {"run", f.run}}; }
};

// A cause may hold any bytes (a tool's output); JSON may not.
std::string as_utf8(std::string_view text) {
  if (valid_utf8(text)) return std::string(text);
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  return out;
}

struct WorkerWriter {
  json::object operator()(const ProgressFrame& f) const {
    return {{"type", "progress"}, {"run", f.run}, {"fraction", f.fraction}};
  }
  json::object operator()(const DoneFrame& f) const { return {{"type", "done"}, {"run", f.run}, {"answer", f.answer}}; }
  json::object operator()(const FailedFrame& f) const {
    json::object arguments;
    for (const auto& [name, value] : f.fault.arguments()) arguments[as_utf8(name)] = as_utf8(value);
    return {{"type", "failed"},
            {"run", f.run},
            {"reason", f.fault.code()},
            {"arguments", std::move(arguments)},
            {"cause", as_utf8(std::string_view(f.fault.cause()).substr(0, max_cause_bytes))}};
  }
};

std::optional<WorkerFrame> progress_of(const json::object& object, std::int64_t run) {
  const json::value* fraction = object.if_contains("fraction");
  if (!fraction || !fraction->is_number()) return std::nullopt;
  double value = fraction->to_number<double>();
  if (!(value >= 0 && value <= 1)) return std::nullopt;
  return ProgressFrame{run, value};
}

std::optional<WorkerFrame> done_of(const json::object& object, std::int64_t run) {
  auto answer = text_of(object, "answer", max_frame_bytes);
  if (!answer || !parse_object(*answer)) return std::nullopt;
  return DoneFrame{run, *std::move(answer)};
}

}  // namespace

std::string encode(const HostFrame& frame) {
  return framed(std::visit(HostWriter{}, frame));
}
std::string encode(const WorkerFrame& frame) {
  return framed(std::visit(WorkerWriter{}, frame));
}

std::optional<HostFrame> parse_host_frame(std::string_view text) {
  auto object = parse_object(text);
  if (!object) return std::nullopt;
  auto type = text_of(*object, "type", max_name_bytes);
  auto run = integer_of(*object, "run");
  if (!type || !run) return std::nullopt;
  if (*type == "cancel") return CancelFrame{*run};
  auto engine = text_of(*object, "engine", max_name_bytes);
  auto params = text_of(*object, "params", max_frame_bytes);
  auto inputs = names_of(*object, "inputs");
  auto outputs = names_of(*object, "outputs");
  auto scratch = integer_of(*object, "scratch");
  if (*type != "run" || !engine || !params || !inputs || !outputs || !scratch) return std::nullopt;
  if (*scratch > static_cast<std::int64_t>(max_descriptors)) return std::nullopt;
  RunFrame frame{*run,
                 *std::move(engine),
                 *std::move(params),
                 *std::move(inputs),
                 *std::move(outputs),
                 static_cast<std::size_t>(*scratch)};
  if (frame.descriptors() > max_descriptors) return std::nullopt;
  return frame;
}

std::optional<WorkerFrame> parse_worker_frame(std::string_view text) {
  auto object = parse_object(text);
  if (!object) return std::nullopt;
  auto type = text_of(*object, "type", max_name_bytes);
  auto run = integer_of(*object, "run");
  if (!type || !run) return std::nullopt;
  if (*type == "progress") return progress_of(*object, *run);
  if (*type == "done") return done_of(*object, *run);
  if (*type != "failed") return std::nullopt;
  auto fault = fault_of(*object);
  if (!fault) return std::nullopt;
  return FailedFrame{*run, *std::move(fault)};
}

FrameSplitter::Next FrameSplitter::next(std::string& text) {
  if (buffer_.size() < length_bytes) return Next::incomplete;
  std::uint32_t size = 0;
  for (std::size_t i = 0; i < length_bytes; ++i)
    size |= static_cast<std::uint32_t>(static_cast<unsigned char>(buffer_[i])) << (8 * i);
  if (size == 0 || size > max_frame_bytes) return Next::malformed;
  if (buffer_.size() < length_bytes + size) return Next::incomplete;
  text.assign(buffer_, length_bytes, size);
  buffer_.erase(0, length_bytes + size);
  return Next::frame;
}

}  // namespace toll::engine
