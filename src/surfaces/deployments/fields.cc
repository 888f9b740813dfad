#include "surfaces/deployments/fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "identity/names.h"
#include "workflows/definitions.h"

namespace toll::deployed {

namespace {

constexpr std::array<std::string_view, 6> yes{"true", "t", "1", "yes", "y", "on"},
    no{"false", "f", "0", "no", "n", "off"};

std::optional<bool> truth(std::string_view text) {
  const auto plain = lower(trim(text));
  if (std::ranges::find(yes, plain) != yes.end()) return true;
  if (std::ranges::find(no, plain) != no.end()) return false;
  return std::nullopt;
}

std::optional<std::int64_t> whole(const json::Value& value) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_double() && std::abs(value.get_double()) < 9e15 && value.get_double() == std::trunc(value.get_double()))
    return static_cast<std::int64_t>(value.get_double());
  if (value.is_string()) return parse_int(trim(value.get_string()));
  return std::nullopt;
}

// Digits of a fixed width at a fixed place.
bool digits(std::string_view text, std::size_t at, std::size_t width, int& out) {
  if (text.size() < at + width) return false;
  const auto part = text.substr(at, width);
  if (!std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; })) return false;
  std::from_chars(part.data(), part.data() + part.size(), out);
  return true;
}

// What stands behind the seconds: a fraction and an offset.
std::optional<Micros> fraction_and_offset(std::string_view text) {
  Micros out{0};
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    std::int64_t unit = 100'000;
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), unit /= 10)
      out += Micros((text.front() - '0') * unit);
  }
  if (text == "Z" || text == "z") return out;
  int hours = 0, minutes = 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' || !digits(text, 1, 2, hours) ||
      !digits(text, 4, 2, minutes) || hours > 23 || minutes > 59)
    return std::nullopt;
  const Micros offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return text[0] == '+' ? out - offset : out + offset;
}

}  // namespace

std::optional<Time> parse_time(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const bool shaped = digits(text, 0, 4, year) && digits(text, 5, 2, month) && digits(text, 8, 2, day) &&
                      digits(text, 11, 2, hour) && digits(text, 14, 2, minute) && digits(text, 17, 2, second) &&
                      text[4] == '-' && text[7] == '-' && (text[10] == 'T' || text[10] == 't' || text[10] == ' ') &&
                      text[13] == ':' && text[16] == ':';
  if (!shaped || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  const auto rest = fraction_and_offset(text.substr(19));
  if (!date.ok() || !rest) return std::nullopt;
  const auto seconds = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                       std::chrono::minutes(minute) + std::chrono::seconds(second);
  return from_micros(std::chrono::duration_cast<Micros>(seconds).count() + rest->count());
}

std::string iso(Time time) {
  return workflows::iso_millis(time);
}

std::optional<std::string> uuid(std::string_view text) {
  auto folded = lower(text);
  if (!identity::is_uuid(folded)) return std::nullopt;
  return folded;
}

const json::Value* Fields::find(std::string_view name) const {
  const auto* value = body_.if_contains(name);
  if (value && spelled_ && value->is_string() && value->get_string().empty()) return nullptr;
  return value;
}

void Fields::refuse_at(std::vector<std::variant<std::string, std::int64_t>> path, std::string code,
                       std::string sentence) {
  if (problems_.size() >= 100) return;
  FieldProblem problem;
  problem.path = std::move(path);
  problem.message = std::move(sentence);
  problem.code = std::move(code);
  problems_.push_back(std::move(problem));
}

void Fields::refuse(std::string_view attr, std::string code, std::string sentence) {
  refuse_at(attr.empty() ? std::vector<std::variant<std::string, std::int64_t>>{}
                         : std::vector<std::variant<std::string, std::int64_t>>{std::string(attr)},
            std::move(code), std::move(sentence));
}

Result<void> Fields::done() && {
  if (problems_.empty()) return {};
  return Fault(Reason::invalid_request).at(std::move(problems_));
}

bool Fields::null(std::string_view name) const {
  const auto* value = body_.if_contains(name);
  return value && value->is_null();
}

void Fields::require(std::string_view name) {
  if (!find(name) || null(name)) refuse(name, "required", "This field is required.");
}

std::optional<std::string> Fields::text(std::string_view name, std::size_t shortest, std::size_t longest) {
  const auto* value = find(name);
  if (!value || value->is_null()) return std::nullopt;
  if (!value->is_string()) return refuse(name, "invalid", "Not a valid string."), std::nullopt;
  const std::string text(value->get_string());
  const auto length = utf8_length(text);
  if (text.find('\0') != text.npos)
    refuse(name, "null_characters_not_allowed", "Null characters are not allowed.");
  else if (length < shortest && text.empty())
    refuse(name, "blank", "This field may not be blank.");
  else if (length < shortest)
    refuse(name, "min_length", "Ensure this field has at least " + std::to_string(shortest) + " characters.");
  else if (length > longest)
    refuse(name, "max_length", "Ensure this field has no more than " + std::to_string(longest) + " characters.");
  else
    return text;
  return std::nullopt;
}

std::optional<std::int64_t> Fields::integer(std::string_view name, std::int64_t least, std::int64_t most) {
  const auto* value = find(name);
  if (!value || value->is_null()) return std::nullopt;
  const auto number = whole(*value);
  if (!number)
    refuse(name, "invalid", "A valid integer is required.");
  else if (*number < least)
    refuse(name, "min_value", "Ensure this value is greater than or equal to " + std::to_string(least) + ".");
  else if (*number > most)
    refuse(name, "max_value", "Ensure this value is less than or equal to " + std::to_string(most) + ".");
  else
    return number;
  return std::nullopt;
}

std::optional<bool> Fields::boolean(std::string_view name) {
  const auto* value = find(name);
  if (!value || value->is_null()) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  std::optional<bool> spelled;
  if (value->is_string()) spelled = truth(value->get_string());
  if (!spelled) refuse(name, "invalid", "Must be a valid boolean.");
  return spelled;
}

// A form says objects and lists as JSON text.
std::optional<json::Value> Fields::parsed(std::string_view name, const json::Value& value) {
  if (!spelled_ || !value.is_string()) return value;
  auto read = json::parse(value.get_string());
  if (!read) return refuse(name, "invalid", "Value must be valid JSON."), std::nullopt;
  return std::move(*read);
}

std::optional<json::Object> Fields::object(std::string_view name, std::string_view otherwise) {
  const auto* value = find(name);
  if (!value || value->is_null()) return std::nullopt;
  auto read = parsed(name, *value);
  if (!read) return std::nullopt;
  if (!read->is_object()) return refuse(name, "invalid", std::string(otherwise)), std::nullopt;
  return std::move(read->get_object());
}

std::optional<std::vector<std::string>> Fields::texts(std::string_view name, std::size_t most, std::size_t longest) {
  const auto* value = find(name);
  if (!value || value->is_null()) return std::nullopt;
  auto read = parsed(name, *value);
  if (!read) return std::nullopt;
  if (!read->is_array()) return refuse(name, "not_a_list", "Expected a list of items."), std::nullopt;
  const auto& list = read->get_array();
  if (list.size() > most)
    return refuse(name, "max_length", "Ensure this field has no more than " + std::to_string(most) + " elements."),
           std::nullopt;
  std::vector<std::string> out;
  const auto before = problems_.size();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto place = static_cast<std::int64_t>(i);
    if (!list[i].is_string())
      refuse_at({std::string(name), place}, "invalid", "Not a valid string.");
    else if (list[i].get_string().size() > longest)
      refuse_at({std::string(name), place}, "max_length",
                "Ensure this field has no more than " + std::to_string(longest) + " characters.");
    else
      out.emplace_back(list[i].get_string());
  }
  if (problems_.size() != before) return std::nullopt;
  return out;
}

std::optional<Time> Fields::time(std::string_view name) {
  const auto* value = find(name);
  if (!value || value->is_null()) return std::nullopt;
  std::optional<Time> out;
  if (value->is_string()) out = parse_time(value->get_string());
  if (!out) refuse(name, "invalid", "Datetime has wrong format. Use RFC 3339, such as 2026-01-31T12:00:00Z.");
  return out;
}

}  // namespace toll::deployed
