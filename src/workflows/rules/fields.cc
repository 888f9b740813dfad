#include "workflows/rules/fields.h"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "workflows/rules/table.h"

namespace toll::workflows::rules {

namespace {

// What a label leads to is looked for in so much of a line: as a text, and as anything else.
constexpr std::size_t longest_text = 10'000, longest_value = 200;
// Places of a label that are tried.
constexpr int most_places = 50;

json::Value typed(std::string_view text, Type type, DayOrder order) {
  switch (type) {
    case Type::number:
      if (const auto value = read_number(text)) return *value;
      return nullptr;
    case Type::integer:
      if (const auto value = read_integer(text)) return *value;
      return nullptr;
    case Type::money:
      if (const auto value = read_money(text))
        return json::Object{{"amount", value->amount},
                            {"currency", value->currency.empty() ? json::Value() : json::Value(value->currency)}};
      return nullptr;
    case Type::date:
      if (const auto value = read_date(text, order)) return json::Value(*value);
      return nullptr;
    case Type::email:
      if (const auto value = read_email(text)) return json::Value(*value);
      return nullptr;
    case Type::boolean:
      if (const auto value = read_boolean(text)) return *value;
      return nullptr;
    case Type::text:
    case Type::table:
      break;
  }
  const auto value = trim(text);
  return value.empty() ? json::Value() : json::Value(value);
}

std::string_view line_at(std::string_view text, std::size_t at) {
  const auto line = utf8_prefix(text.substr(at), longest_text);
  return line.substr(0, line.find_first_of("\r\n\f"));
}

// "Total : 42" and "No. 7": what a label is set off with.
std::string_view without_marks(std::string_view text) {
  text = trim(text);
  while (!text.empty() && (text.front() == ':' || text.front() == '=' || text.front() == '#' || text.front() == '|'))
    text = trim(text.substr(1));
  while (text.starts_with("..")) text = trim(text.substr(1));
  if (text.starts_with(". ")) text = trim(text.substr(1));
  return text;
}

// The value itself, and then less and less of the line: a value ends at a wide gap, and a number where other words
// begin.
json::Value first_readable(std::string_view rest, const Field& field) {
  rest = without_marks(rest);
  if (field.type != Type::text) rest = utf8_prefix(rest, longest_value);
  if (rest.empty()) return nullptr;
  const auto segments = segments_of(rest);
  if (field.type == Type::text) return typed(segments.front().text, field.type, field.order);
  if (auto value = typed(segments.front().text, field.type, field.order); !value.is_null()) return value;
  auto words = std::string_view(segments.front().text);
  for (auto blank = words.rfind(' '); blank != words.npos; blank = words.rfind(' ')) {
    words = trim(words.substr(0, blank));
    if (words.ends_with(',') || words.ends_with(';')) words.remove_suffix(1);
    if (auto value = typed(words, field.type, field.order); !value.is_null()) return value;
  }
  // An amount may stand at the far end of the line, behind other columns.
  for (std::size_t i = 1; i < segments.size(); ++i)
    if (auto value = typed(segments[i].text, field.type, field.order); !value.is_null()) return value;
  return nullptr;
}

// The value in the next line that is not empty, below the label.
json::Value below(std::string_view text, Phrase::Place label, const Field& field) {
  const auto window = label.begin > longest_text ? label.begin - longest_text : 0;
  const auto before = text.substr(window, label.begin - window);
  const auto line_end = before.find_last_of("\n\f");
  if (line_end == before.npos && window > 0) return nullptr;  // too far to the right to stand above anything
  const auto begin = utf8_length(line_end == before.npos ? before : before.substr(line_end + 1));
  const auto end = begin + utf8_length(text.substr(label.begin, label.end - label.begin));
  auto rest = text.substr(label.end, 4 * longest_text);
  for (int lines = 0; lines < 2; ++lines) {
    const auto next = rest.find('\n');
    if (next == rest.npos) return nullptr;
    rest.remove_prefix(next + 1);
    const auto line = rest.substr(0, rest.find_first_of("\r\n\f"));
    if (trim(line).empty()) continue;
    for (const auto& segment : segments_of(line))
      if (segment.begin < end && begin < segment.end)
        return typed(without_marks(segment.text), field.type, field.order);
    return nullptr;
  }
  return nullptr;
}

json::Value by_label(const ByLabel& way, std::string_view text, const Field& field) {
  std::size_t from = 0;
  for (int places = 0; places < most_places; ++places) {
    const auto place = way.label.find(text, from);
    if (!place) return nullptr;
    const auto rest = line_at(text, place->end);
    auto value = without_marks(rest).empty() ? json::Value() : first_readable(rest, field);
    if (value.is_null()) value = below(text, *place, field);
    if (!value.is_null()) return value;
    from = place->end;
  }
  return nullptr;
}

json::Value by_regex(const ByRegex& way, std::string_view text, const Field& field) {
  if (text.empty()) return nullptr;
  std::size_t from = 0;
  for (int places = 0; places < most_places; ++places) {
    const auto found = way.pattern.first_in(text, from);
    if (!found) return nullptr;
    const auto& group = (*found)[static_cast<std::size_t>(way.group)];
    if (group)
      if (auto value = typed(*group, field.type, field.order); !value.is_null()) return value;
    const auto end = static_cast<std::size_t>(found->front()->data() - text.data()) + found->front()->size();
    from = std::max(end, from + 1);
    while (from < text.size() && (text[from] & 0xc0) == 0x80) ++from;
  }
  return nullptr;
}

const json::Value* step_into(const json::Value& value, const std::string& token) {
  if (value.is_object()) return value.get_object().if_contains(token);
  const bool canonical = token == "0" || (!token.empty() && token[0] >= '1' && token[0] <= '9');
  const auto index = value.is_array() && canonical ? parse_int(token) : std::nullopt;
  if (!index || *index < 0 || static_cast<std::size_t>(*index) >= value.get_array().size()) return nullptr;
  return &value.get_array()[static_cast<std::size_t>(*index)];
}

// A number is one already.
json::Value typed_number(const json::Value& number, Type type) {
  if (type == Type::number) return number;
  if (type == Type::text)
    return json::Value(number.is_double() ? fmt::format("{}", number.get_double()) : boost::json::serialize(number));
  if (type == Type::money) return json::Object{{"amount", number.to_number<double>()}, {"currency", nullptr}};
  if (type != Type::integer) return nullptr;
  if (!number.is_double()) return number;
  const double value = number.get_double();
  if (std::trunc(value) != value || std::abs(value) > 9007199254740992.0) return nullptr;
  return static_cast<std::int64_t>(value);
}

json::Value by_pointer(const ByPointer& way, const json::Value* value, const Field& field) {
  for (const auto& token : way.tokens)
    if (value) value = step_into(*value, token);
  if (!value || value->is_null()) return nullptr;
  if (field.type == Type::table) return value->is_array() ? *value : json::Value();
  if (value->is_number()) return typed_number(*value, field.type);
  if (value->is_bool()) {
    if (field.type == Type::text) return json::Value(value->get_bool() ? "true" : "false");
    return field.type == Type::boolean ? *value : json::Value();
  }
  return value->is_string() ? typed(value->get_string(), field.type, field.order) : json::Value();
}

json::Value by_columns(const ByColumns& way, std::string_view text, const Field& field) {
  std::vector<Phrase> headings;
  for (const auto& column : way.columns) headings.push_back(column.heading);
  const auto rows = rows_under(headings, text);
  if (!rows) return nullptr;
  json::Array out;
  for (const auto& row : *rows) {
    json::Object values;
    for (std::size_t i = 0; i < way.columns.size(); ++i)
      values[way.columns[i].name] = typed(row[i], way.columns[i].type, field.order);
    out.push_back(std::move(values));
  }
  return out;
}

std::string_view text_for(const Field& field, const Document& document) {
  if (!field.page) return document.text;
  for (const auto& page : document.pages)
    if (page.number == *field.page) return page.text;
  return document.pages.empty() && *field.page == 1 ? document.text : std::string_view();
}

json::Value value_of(const Field& field, const Document& document) {
  const auto text = text_for(field, document);
  if (const auto* way = std::get_if<ByLabel>(&field.way)) return by_label(*way, text, field);
  if (const auto* way = std::get_if<ByRegex>(&field.way)) return by_regex(*way, text, field);
  if (const auto* way = std::get_if<ByPointer>(&field.way)) return by_pointer(*way, document.data, field);
  return by_columns(std::get<ByColumns>(field.way), text, field);
}

}  // namespace

Extracted extract(const std::vector<Field>& fields, const Document& document) {
  Extracted out;
  for (const auto& field : fields) {
    auto value = value_of(field, document);
    if (value.is_null() && field.required) out.missing.push_back(field.name);
    out.values[field.name] = std::move(value);
  }
  return out;
}

}  // namespace toll::workflows::rules
