#include "metering/usage/rows.h"

#include <fmt/format.h>

namespace toll::metering {

namespace {

// Large enough that the statement's own cost is shared, small enough for the cache of statements.
constexpr std::size_t rows_a_statement = 32;

bool has_writer(std::string_view table) {
  return table == "usage_minutes";
}

// "usage_hours" -> "hour"
std::string_view span_of(std::string_view table) {
  table.remove_prefix(std::string_view("usage_").size());
  table.remove_suffix(1);
  return table;
}

std::string insert(std::string_view table, std::size_t rows) {
  const bool writer = has_writer(table);
  const int columns = writer ? 6 : 5;
  auto sql = fmt::format("INSERT INTO {} ({}, subject, account_id, charged, tally{}) VALUES ", table, span_of(table),
                         writer ? ", writer" : "");
  int next = 1;
  for (std::size_t row = 0; row < rows; ++row) {
    sql += row == 0 ? "(" : ", (";
    for (int column = 0; column < columns; ++column) sql += fmt::format("{}${}", column == 0 ? "" : ", ", next++);
    sql += ")";
  }
  sql += fmt::format(" ON CONFLICT ({}, subject{}) DO UPDATE SET charged = excluded.charged, tally = excluded.tally",
                     span_of(table), writer ? ", writer" : "");
  return sql;
}

}  // namespace

std::uint32_t endpoint_id(sql::Tx& tx, std::string_view name) {
  tx.exec("INSERT INTO usage_endpoints (name) VALUES ($1) ON CONFLICT (name) DO NOTHING", name);
  return static_cast<std::uint32_t>(tx.one("SELECT id FROM usage_endpoints WHERE name = $1", name).value().integer(0));
}

std::int64_t new_writer(sql::Tx& tx) {
  return tx.one("UPDATE usage_state SET writers = writers + 1 RETURNING writers").value().integer(0);
}

SumWriter::SumWriter(sql::Tx& tx, std::string_view table) : tx_(tx), table_(table) {}

void SumWriter::add(UsageSum sum) {
  waiting_.push_back(std::move(sum));
  if (waiting_.size() == rows_a_statement) finish();
}

const std::string& SumWriter::statement(std::size_t rows) {
  auto& text = rows == rows_a_statement ? full_ : rest_;
  if (text.empty()) text = insert(table_, rows);
  return text;
}

// What does not fill a statement goes row by row: a statement for each number of rows would crowd the cache.
void SumWriter::finish() {
  const bool full = waiting_.size() == rows_a_statement;
  const std::size_t step = full ? waiting_.size() : 1;
  std::vector<std::string> subjects;
  std::vector<sql::Value> values;
  for (std::size_t at = 0; at < waiting_.size(); at += step) {
    subjects.clear();
    values.clear();
    subjects.reserve(step);
    for (std::size_t i = at; i < at + step; ++i) {
      const auto& sum = waiting_[i];
      subjects.push_back(sum.subject.bytes());
      values.insert(values.end(),
                    {sum.span, sql::Blob{subjects.back()}, sum.account, sum.charged, sql::Blob{sum.tally}});
      if (has_writer(table_)) values.emplace_back(sum.writer);
    }
    tx_.query_with(statement(step), values);
  }
  waiting_.clear();
}

}  // namespace toll::metering
