#include "engines/forensics/fields.h"

namespace toll::engines::forensics {
namespace json = boost::json;
namespace {

[[noreturn]] void misfit(std::string_view name, std::string_view what) {
  throw Misfit(std::string(name) + " " + std::string(what));
}

}  // namespace

json::object Fields::parse(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error || !value.is_object()) throw Misfit("not a JSON object");
  return std::move(value.get_object());
}

Fields Fields::of(const json::value& value, std::string_view name) {
  if (!value.is_object()) misfit(name, "is no object");
  return Fields(value.get_object());
}

const json::value* Fields::find(std::string_view name) const {
  const auto* value = object_.if_contains(name);
  return value && !value->is_null() ? value : nullptr;
}

const json::value& Fields::must_find(std::string_view name) const {
  const auto* value = find(name);
  if (!value) misfit(name, "is missing");
  return *value;
}

bool Fields::boolean(std::string_view name, bool fallback) const {
  const auto* value = find(name);
  if (!value) return fallback;
  if (!value->is_bool()) misfit(name, "is no boolean");
  return value->get_bool();
}

std::int64_t Fields::integer(std::string_view name, std::int64_t least, std::int64_t most,
                             std::int64_t fallback) const {
  const auto* value = find(name);
  if (!value) return fallback;
  if (!value->is_int64()) misfit(name, "is no integer");
  if (value->get_int64() < least || value->get_int64() > most) misfit(name, "is out of bounds");
  return value->get_int64();
}

double Fields::number(std::string_view name, double least, double most, double fallback) const {
  const auto* value = find(name);
  if (!value) return fallback;
  if (!value->is_number()) misfit(name, "is no number");
  const double number = value->to_number<double>();
  if (!(number >= least && number <= most)) misfit(name, "is out of bounds");
  return number;
}

std::string Fields::text(std::string_view name, std::string_view fallback) const {
  const auto* value = find(name);
  if (!value) return std::string(fallback);
  if (!value->is_string()) misfit(name, "is no text");
  return std::string(value->get_string());
}

std::string Fields::text(std::string_view name) const {
  const auto& value = must_find(name);
  if (!value.is_string() || value.get_string().empty()) misfit(name, "is no text");
  return std::string(value.get_string());
}

Fields Fields::object(std::string_view name) const {
  return of(must_find(name), name);
}

const json::array& Fields::array(std::string_view name) const {
  const auto& value = must_find(name);
  if (!value.is_array()) misfit(name, "is no list");
  return value.get_array();
}

}  // namespace toll::engines::forensics
