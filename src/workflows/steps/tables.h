// Tables of databases that are not ours: SQLite files below a root, PostgreSQL servers. Private to steps/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "egress/guard.h"
#include "workflows/step.h"
#include "workflows/steps/roots.h"

namespace toll::workflows::steps {

struct Json {
  std::string text;
};
struct Moment {
  std::string text;  // RFC 3339
};
using Cell = std::variant<std::monostate, std::int64_t, double, bool, std::string, Json, Moment>;

struct Column {
  std::string name;
  Cell value;
};

// What broke, for StepFault: the public sentence and what the log may have.
struct TableFault {
  std::string detail, cause;
  bool again = false;
  std::string_view code = fault::sink_failed;
};
using TableResult = std::optional<TableFault>;

// One connection, in one transaction from begin() to commit(); what is not committed is undone when it goes.
// Identifiers are quoted, values are bound. Not thread-safe.
class TableWriter {
 public:
  virtual ~TableWriter() = default;
  // Nobody else writes to this table through here until the end of the transaction.
  virtual TableResult begin(const std::string& table) = 0;
  virtual TableResult commit() = 0;
  // With these columns, typed by their values, and an index over `key`; nothing if it is there.
  virtual TableResult create(const std::string& table, const std::vector<Column>& columns,
                             const std::vector<std::string>& key) = 0;
  // The names of its columns; empty: there is no such table.
  virtual std::variant<std::set<std::string>, TableFault> columns(const std::string& table) = 0;
  // Rows whose key columns have these values get all of them; then how many there were.
  virtual std::variant<std::int64_t, TableFault> update(const std::string& table, const std::vector<Column>& row,
                                                        const std::vector<std::string>& key) = 0;
  virtual TableResult insert(const std::string& table, const std::vector<Column>& row) = 0;
  virtual std::variant<bool, TableFault> exists(const std::string& table, const Column& where) = 0;
};

using OpenedTable = std::variant<std::unique_ptr<TableWriter>, TableFault>;
OpenedTable open_sqlite(const Root& root, const std::string& database, std::stop_token stop);
// `dsn`: a URL or key-value text of libpq, with a host (one, no socket), a user and a database. The host is judged like
// that of a URL.
OpenedTable open_postgres(const egress::Guard& guard, const std::string& dsn, std::stop_token stop);
// The host and port of such a text; nullopt: it is none, or names more than that.
struct Place {
  std::string host;
  std::uint16_t port = 5432;
};
std::optional<Place> place_of_dsn(const std::string& dsn);

// "name" with quotes doubled; a dot parts a schema from its table.
std::string in_quotes(std::string_view identifier);
std::string quoted_table(std::string_view table);

}  // namespace toll::workflows::steps
