#include "sql/postgres/values.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "sql/bind.h"

namespace toll::sql::postgres {

namespace {

// Object ids of built-in types: src/include/catalog/pg_type.dat of PostgreSQL, the same in every version.
enum TypeId : Oid {
  bool_type = 16,
  bytea_type = 17,
  int8_type = 20,
  int2_type = 21,
  int4_type = 23,
  oid_type = 26,
  float4_type = 700,
  float8_type = 701
};

struct AsText {
  std::string operator()(std::monostate) const { return {}; }
  std::string operator()(std::int64_t value) const { return fmt::format_int(value).str(); }
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(std::string_view value) const {
    refuse_nul(value);
    return std::string(value);
  }
  std::string operator()(Blob) const { return {}; }
};

template <class Number>
Number number(std::string_view text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string bytes(const char* text) {
  std::size_t size = 0;
  const std::unique_ptr<unsigned char, void (*)(void*)> raw(
      PQunescapeBytea(reinterpret_cast<const unsigned char*>(text), &size), PQfreemem);
  if (!raw) throw std::bad_alloc();
  return std::string(reinterpret_cast<const char*>(raw.get()), size);
}

Row::Cell cell(const PGresult* result, int row, int column) {
  if (PQgetisnull(result, row, column)) return std::monostate();
  const char* text = PQgetvalue(result, row, column);
  const std::string_view view(text, static_cast<std::size_t>(PQgetlength(result, row, column)));
  switch (PQftype(result, column)) {
    case bool_type:
      return std::int64_t{view == "t"};
    case int2_type:
    case int4_type:
    case int8_type:
    case oid_type:
      return number<std::int64_t>(view);
    case float4_type:
    case float8_type:
      return number<double>(view);
    case bytea_type:
      return bytes(text);
    default:
      return std::string(view);
  }
}

}  // namespace

Parameters::Parameters(const std::vector<Value>& args) {
  texts_.reserve(args.size());
  for (const auto& arg : args) {
    const auto* blob = std::get_if<Blob>(&arg.get());
    const bool null = std::holds_alternative<std::monostate>(arg.get());
    texts_.push_back(std::visit(AsText(), arg.get()));
    const char* text = null ? nullptr : texts_.back().c_str();
    values_.push_back(blob && !blob->bytes.empty() ? blob->bytes.data() : text);
    lengths_.push_back(blob ? static_cast<int>(blob->bytes.size()) : 0);
    formats_.push_back(blob ? 1 : 0);
  }
}

Row row(const PGresult* result, int index) {
  const int columns = PQnfields(result);
  std::vector<Row::Cell> cells;
  cells.reserve(static_cast<std::size_t>(columns));
  for (int column = 0; column < columns; ++column) cells.push_back(cell(result, index, column));
  return Row(std::move(cells));
}

}  // namespace toll::sql::postgres
