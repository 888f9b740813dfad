#include <charconv>

#include "base/text.h"
#include "sql/database.h"

namespace toll::sql {

namespace {
[[noreturn]] void wrong_type(std::size_t column, const Row::Cell& cell, const char* wanted) {
  static constexpr const char* found[] = {"null", "an integer", "a real", "a text"};
  throw Error("column " + std::to_string(column) + " holds " + found[cell.index()] + ", not " + wanted);
}
}  // namespace

std::int64_t Row::integer(std::size_t column) const {
  const Cell& cell = cells_.at(column);
  if (auto* value = std::get_if<std::int64_t>(&cell)) return *value;
  // PostgreSQL sums bigints to numeric, which arrives as digits.
  if (auto* digits = std::get_if<std::string>(&cell))
    if (auto value = parse_int(*digits)) return *value;
  wrong_type(column, cell, "an integer");
}

double Row::real(std::size_t column) const {
  const Cell& cell = cells_.at(column);
  if (auto* value = std::get_if<double>(&cell)) return *value;
  if (auto* value = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*value);
  if (auto* digits = std::get_if<std::string>(&cell)) {
    double value = 0;
    const char* end = digits->data() + digits->size();
    if (auto [at, failed] = std::from_chars(digits->data(), end, value); failed == std::errc() && at == end)
      return value;
  }
  wrong_type(column, cell, "a real");
}

const std::string& Row::text(std::size_t column) const {
  const Cell& cell = cells_.at(column);
  if (auto* value = std::get_if<std::string>(&cell)) return *value;
  wrong_type(column, cell, "a text");
}

std::optional<std::int64_t> Row::maybe_integer(std::size_t column) const {
  return is_null(column) ? std::nullopt : std::optional(integer(column));
}
std::optional<std::string> Row::maybe_text(std::size_t column) const {
  return is_null(column) ? std::nullopt : std::optional(text(column));
}
std::optional<Time> Row::maybe_time(std::size_t column) const {
  return is_null(column) ? std::nullopt : std::optional(time(column));
}

}  // namespace toll::sql
