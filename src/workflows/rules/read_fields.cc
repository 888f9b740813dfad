// Declarations of fields, out of JSON.
#include <algorithm>
#include <array>
#include <set>

#include "workflows/rules/fields.h"

namespace toll::workflows::rules {

namespace {

constexpr std::array<std::pair<std::string_view, Type>, 8> types{{{"text", Type::text},
                                                                  {"number", Type::number},
                                                                  {"integer", Type::integer},
                                                                  {"money", Type::money},
                                                                  {"date", Type::date},
                                                                  {"email", Type::email},
                                                                  {"boolean", Type::boolean},
                                                                  {"table", Type::table}}};

json::Array type_names(bool with_table) {
  json::Array out;
  for (const auto& [name, type] : types)
    if (with_table || type != Type::table) out.push_back(json::Value(name));
  return out;
}

std::string_view text_of(const json::Value& value) {
  return value.get_string();
}

Type type_of(const json::Object& object) {
  const auto* name = object.if_contains("type");
  for (const auto& [text, type] : types)
    if (name && text_of(*name) == text) return type;
  return Type::text;
}

// One field or column at a time; what is wrong goes to `mistakes`.
class Reader {
 public:
  explicit Reader(Declared& out) : out_(out) {}

  void read(const json::Object& object, std::int64_t index) {
    index_ = index;
    auto way = way_of(object);
    if (!way) return;
    Field field{.name = std::string(text_of(object.at("name"))), .type = type_of(object), .way = std::move(*way)};
    if (!names_.insert(field.name).second) return wrong("name", "is taken by another field");
    const bool columns = std::holds_alternative<ByColumns>(field.way);
    if (columns && object.contains("type") && field.type != Type::table)
      return wrong("type", "must be table where columns are named");
    if (columns) field.type = Type::table;
    if (field.type == Type::table && !columns && !std::holds_alternative<ByPointer>(field.way))
      return wrong("type", "table needs columns or a pointer");
    if (const auto* page = object.if_contains("page")) field.page = page->to_number<std::int64_t>();
    if (const auto* required = object.if_contains("required")) field.required = required->get_bool();
    if (const auto* order = object.if_contains("day_order"))
      field.order = text_of(*order) == "day_first" ? DayOrder::day_first : DayOrder::month_first;
    out_.fields.push_back(std::move(field));
  }

 private:
  using Way = decltype(Field::way);

  void wrong(std::string_view member, std::string message, bool regex = false) {
    out_.mistakes.push_back({{index_, std::string(member)}, regex, std::move(message)});
  }

  std::optional<Way> way_of(const json::Object& object) {
    const auto given = std::count_if(object.begin(), object.end(), [](const auto& member) {
      return member.key() == "label" || member.key() == "regex" || member.key() == "pointer" ||
             member.key() == "columns";
    });
    if (given != 1) return wrong("name", "needs exactly one of label, regex, pointer and columns"), std::nullopt;
    if (const auto* label = object.if_contains("label")) return by_label(text_of(*label));
    if (const auto* regex = object.if_contains("regex")) return by_regex(text_of(*regex), object);
    if (const auto* pointer = object.if_contains("pointer")) return by_pointer(text_of(*pointer));
    return by_columns(object.at("columns").get_array());
  }

  std::optional<Way> by_label(std::string_view text) {
    auto phrase = Phrase::of(text);
    if (!phrase) return wrong("label", "must have 1 to 200 bytes"), std::nullopt;
    return ByLabel{std::move(*phrase)};
  }

  std::optional<Way> by_regex(std::string_view text, const json::Object& object) {
    auto compiled = pattern::Pattern::compile(text, {.lines = true});
    if (!compiled.pattern)
      return wrong("regex", "is no expression that can be matched in linear time: " + compiled.why, true), std::nullopt;
    const auto* given = object.if_contains("group");
    const auto group = given ? given->to_number<std::int64_t>() : std::min(compiled.pattern->groups(), 1);
    if (group > compiled.pattern->groups())
      return wrong("group", "is not one of the expression's groups"), std::nullopt;
    return ByRegex{std::move(*compiled.pattern), static_cast<int>(group)};
  }

  // RFC 6901.
  std::optional<Way> by_pointer(std::string_view text) {
    ByPointer out;
    if (!text.empty() && text[0] != '/') return wrong("pointer", "must be empty or begin with a slash"), std::nullopt;
    while (!text.empty()) {
      text.remove_prefix(1);
      std::string token(text.substr(0, text.find('/')));
      text.remove_prefix(token.size());
      for (const auto& [escape, plain] : {std::pair{"~1", "/"}, {"~0", "~"}})
        for (auto at = token.find(escape); at != token.npos; at = token.find(escape, at + 1))
          token.replace(at, 2, plain);
      out.tokens.push_back(std::move(token));
    }
    return out;
  }

  std::optional<Way> by_columns(const json::Array& columns) {
    ByColumns out;
    std::set<std::string> names;
    for (const auto& column : columns) {
      const auto* object = column.if_object();
      const std::string name(text_of(object ? object->at("name") : column));
      const auto* heading = object ? object->if_contains("heading") : nullptr;
      auto phrase = Phrase::of(heading ? text_of(*heading) : name);
      if (!phrase) return wrong("columns", "must have headings of 1 to 200 bytes"), std::nullopt;
      if (!names.insert(name).second) return wrong("columns", "must not name a column twice"), std::nullopt;
      out.columns.push_back({name, std::move(*phrase), object ? type_of(*object) : Type::text});
    }
    return out;
  }

  Declared& out_;
  std::int64_t index_ = 0;
  std::set<std::string> names_;
};

}  // namespace

Declared read_fields(const json::Value& fields) {
  Declared out;
  Reader reader(out);
  std::int64_t index = 0;
  for (const auto& field : fields.get_array()) reader.read(field.get_object(), index++);
  return out;
}

json::Object fields_schema() {
  const json::Object name{{"type", "string"}, {"minLength", 1}, {"maxLength", 100}};
  const json::Object column{
      {"anyOf",
       json::Array{name, json::Object{{"type", "object"},
                                      {"properties",
                                       {{"name", name}, {"heading", name}, {"type", {{"enum", type_names(false)}}}}},
                                      {"required", json::Array{"name"}},
                                      {"additionalProperties", false}}}}};
  const json::Object field{
      {"type", "object"},
      {"properties",
       {{"name", name},
        {"type", {{"enum", type_names(true)}, {"default", "text"}}},
        {"label", {{"type", "string"}, {"description", "The words before or above the value."}}},
        {"regex",
         {{"type", "string"}, {"description", "An expression; its first group, or the whole match, is the value."}}},
        {"group", {{"type", "integer"}, {"minimum", 0}, {"maximum", 100}}},
        {"pointer", {{"type", "string"}, {"description", "A JSON Pointer (RFC 6901) into the data."}}},
        {"columns", {{"type", "array"}, {"items", column}, {"minItems", 1}, {"maxItems", 50}}},
        {"page", {{"type", "integer"}, {"minimum", 1}, {"maximum", 1'000'000}}},
        {"required", {{"type", "boolean"}, {"default", false}}},
        {"day_order",
         {{"enum", json::Array{"day_first", "month_first"}},
          {"description", "What 03/04/2026 means; without it such a date is null."}}}}},
      {"required", json::Array{"name"}},
      {"additionalProperties", false}};
  return {{"type", "array"}, {"items", field}, {"minItems", 1}, {"maxItems", 200}};
}

}  // namespace toll::workflows::rules
