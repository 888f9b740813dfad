// extract.rules: named values out of a text or JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "json/parse.h"
#include "workflows/rules/phrase.h"
#include "workflows/rules/values.h"

namespace toll::workflows::rules {

enum class Type : std::uint8_t { text, number, integer, money, date, email, boolean, table };

struct Column {
  std::string name;  // in the output
  Phrase heading;
  Type type = Type::text;
};

// Where a value is looked for.
struct ByLabel {
  Phrase label;
};
struct ByRegex {
  pattern::Pattern pattern;
  int group = 0;
};
struct ByPointer {
  std::vector<std::string> tokens;
};
struct ByColumns {
  std::vector<Column> columns;
};

struct Field {
  std::string name;
  Type type = Type::text;
  std::variant<ByLabel, ByRegex, ByPointer, ByColumns> way;
  std::optional<std::int64_t> page;  // the text of this page alone
  bool required = false;
  DayOrder order = DayOrder::unknown;
};

struct Page {
  std::int64_t number = 0;
  std::string_view text;
};

struct Document {
  std::string_view text;
  std::vector<Page> pages;            // none: the text has no pages
  const json::Value* data = nullptr;  // what pointers lead into; null: nothing
};

struct Extracted {
  json::Object values;               // of every field, null where nothing was found
  std::vector<std::string> missing;  // names of required fields that are null
};

// Values: text as a text, number and integer as numbers, money as {"amount", "currency"} (currency may be null), date
// as "YYYY-MM-DD", email as a text, boolean, table as a list of objects with a member for each column.
Extracted extract(const std::vector<Field>& fields, const Document& document);

// What is wrong with a declaration.
struct Mistake {
  std::vector<std::variant<std::string, std::int64_t>> path;  // below `fields`
  bool regex = false;                                         // of an expression
  std::string message;                                        // lower-case clause
};
struct Declared {
  std::vector<Field> fields;
  std::vector<Mistake> mistakes;
};
// Of `with.fields`, checked against fields_schema() before.
Declared read_fields(const json::Value& fields);
json::Object fields_schema();

}  // namespace toll::workflows::rules
