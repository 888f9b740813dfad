#include "sql/sqlite/connection.h"

#include <thread>

#include "base/text.h"
#include "sql/bind.h"

namespace toll::sql::sqlite {

namespace {

// Enough for every statement of the product; text made at run time (IN lists) pushes out the least recently used.
constexpr std::size_t cache_limit = 200;
// About a quarter of a millisecond of work between looks at the clock.
constexpr int progress_steps = 10'000;

void configure_library() {
  // Counting allocations takes a global lock on each; nobody reads the counts.
  static const int once = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(once);
}

// "t.a, t.b" -> "t_a_b"
std::string joined(std::string_view columns) {
  std::string out;
  while (!columns.empty()) {
    const auto comma = columns.find(", ");
    const auto column = columns.substr(0, comma);
    columns.remove_prefix(comma == columns.npos ? columns.size() : comma + 2);
    const auto dot = column.find('.');
    if (out.empty()) out = column.substr(0, dot);
    out += '_';
    out += dot == column.npos ? column : column.substr(dot + 1);
  }
  return out;
}

struct BindOne {
  sqlite3_stmt* statement;
  int at;
  int operator()(std::monostate) const { return sqlite3_bind_null(statement, at); }
  int operator()(std::int64_t value) const { return sqlite3_bind_int64(statement, at, value); }
  int operator()(double value) const { return sqlite3_bind_double(statement, at, value); }
  // A null pointer would bind NULL, so empty views get an address.
  int operator()(std::string_view value) const {
    refuse_nul(value);
    return sqlite3_bind_text64(statement, at, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC,
                               SQLITE_UTF8);
  }
  int operator()(Blob value) const {
    return sqlite3_bind_blob64(statement, at, value.bytes.empty() ? "" : value.bytes.data(), value.bytes.size(),
                               SQLITE_STATIC);
  }
};

Row::Cell cell(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return static_cast<std::int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_NULL:
      return std::monostate();
    default: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
      return size == 0 ? std::string() : std::string(bytes, size);
    }
  }
}

// A cached statement holds locks and views of its arguments until it is reset.
struct ResetAtEnd {
  sqlite3_stmt* statement;
  ~ResetAtEnd() {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
};

}  // namespace

std::string constraint_name(int extended_code, std::string_view message) {
  const auto colon = message.find(": ");
  const auto subject = colon == message.npos ? std::string_view() : message.substr(colon + 2);
  switch (extended_code) {
    case SQLITE_CONSTRAINT_UNIQUE:
      if (subject.starts_with("index '")) return std::string(subject.substr(7, subject.size() - 8));
      return joined(subject);
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return std::string(subject.substr(0, subject.find('.'))) + "_pkey";
    case SQLITE_CONSTRAINT_NOTNULL:
      return joined(subject) + "_not_null";
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return "foreign_key";
    default:
      return std::string(subject);
  }
}

Connection::Connection(const std::string& path, Access access, Durability durability, std::chrono::milliseconds timeout)
    : timeout_(timeout) {
  configure_library();
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  db_.reset(raw);
  if (code != SQLITE_OK)
    throw Error("cannot open the SQLite database " + path + ": " + (raw ? sqlite3_errmsg(raw) : sqlite3_errstr(code)));
  sqlite3_busy_handler(raw, on_busy, this);
  use_wal(path);
  script(durability == Durability::synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF");
  script(
      "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;"
      "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864");
  // KiB at most. What a group of writes changes should fit, or its pages are written to the log more than once.
  script(access == Access::read ? "PRAGMA cache_size = -2048; PRAGMA query_only = ON" : "PRAGMA cache_size = -16384");
  sqlite3_progress_handler(raw, progress_steps, on_progress, this);
}

// Two processes that open a new file at once both want it alone for a moment, and SQLite calls no busy handler then.
void Connection::use_wal(const std::string& path) {
  const auto give_up = std::chrono::steady_clock::now() + timeout_;
  deadline_ = std::chrono::steady_clock::time_point::max();
  for (;;) {
    sqlite3_stmt* raw = nullptr;
    int code = sqlite3_prepare_v2(db_.get(), "PRAGMA journal_mode = WAL", -1, &raw, nullptr);
    const StatementPtr statement(raw);
    if (code == SQLITE_OK) code = sqlite3_step(raw);
    if (code == SQLITE_ROW) {
      const auto* mode = reinterpret_cast<const char*>(sqlite3_column_text(raw, 0));
      if (mode && std::string_view(mode) == "wal") return;
      throw Error("the file system of " + path + " cannot hold an SQLite database in WAL mode");
    }
    if ((code & 0xff) != SQLITE_BUSY || std::chrono::steady_clock::now() > give_up)
      throw Error("cannot open the SQLite database " + path + ": " + sqlite3_errmsg(db_.get()));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

int Connection::on_progress(void* self) {
  return std::chrono::steady_clock::now() > static_cast<Connection*>(self)->deadline_ ? 1 : 0;
}

// SQLite's own handler sleeps up to 100 ms between tries; a writer that commits group after group leaves the lock free
// for a fraction of a millisecond only, so a second process must look often.
int Connection::on_busy(void* self, int tries) {
  auto& connection = *static_cast<Connection*>(self);
  const auto now = std::chrono::steady_clock::now();
  if (tries == 0) connection.busy_since_ = now;
  if (now - connection.busy_since_ >= connection.timeout_) return 0;
  std::this_thread::sleep_for(std::chrono::microseconds(tries < 1000 ? 500 : 3000));
  return 1;
}

std::int64_t Connection::run(std::string_view sql, const std::vector<Value>& args, std::vector<Row>& rows) {
  Cached& cached = prepared(sql);
  sqlite3_stmt* statement = cached.statement.get();
  const ResetAtEnd reset{statement};
  if (args.size() != cached.places.size())
    throw Error("the statement takes " + std::to_string(cached.places.size()) + " parameters, not " +
                std::to_string(args.size()) + ": " + std::string(sql));
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (std::visit(BindOne{statement, cached.places[i]}, args[i].get()) != SQLITE_OK) fail(sql);
  }
  const auto changed_before = sqlite3_total_changes64(db_.get());
  deadline_ = std::chrono::steady_clock::now() + timeout_;
  int code;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    std::vector<Row::Cell> cells;
    const int columns = sqlite3_column_count(statement);
    cells.reserve(static_cast<std::size_t>(columns));
    for (int column = 0; column < columns; ++column) cells.push_back(cell(statement, column));
    rows.emplace_back(std::move(cells));
  }
  if (code != SQLITE_DONE) fail(sql);
  // sqlite3_changes keeps the last count through statements that change no rows.
  return sqlite3_total_changes64(db_.get()) == changed_before ? 0 : sqlite3_changes64(db_.get());
}

void Connection::run(std::string_view sql) {
  std::vector<Row> rows;
  run(sql, {}, rows);
}

void Connection::script(std::string_view sql) {
  deadline_ = std::chrono::steady_clock::time_point::max();
  const char* at = sql.data();
  const char* const end = at + sql.size();
  while (at < end) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(db_.get(), at, static_cast<int>(end - at), &raw, &at) != SQLITE_OK) fail(sql);
    const StatementPtr statement(raw);
    if (!raw) continue;
    int code;
    while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
    }
    if (code != SQLITE_DONE) fail(sqlite3_sql(raw));
  }
}

Connection::Cached& Connection::prepared(std::string_view sql) {
  if (auto found = by_sql_.find(sql); found != by_sql_.end()) {
    statements_.splice(statements_.begin(), statements_, found->second);
    return statements_.front();
  }
  statements_.push_front(prepare(sql));
  by_sql_.emplace(statements_.front().sql, statements_.begin());
  if (statements_.size() > cache_limit) {
    by_sql_.erase(statements_.back().sql);
    statements_.pop_back();
  }
  return statements_.front();
}

Connection::Cached Connection::prepare(std::string_view sql) {
  Cached cached{std::string(sql), nullptr, {}};
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  const int size = static_cast<int>(cached.sql.size()) + 1;
  if (sqlite3_prepare_v3(db_.get(), cached.sql.c_str(), size, SQLITE_PREPARE_PERSISTENT, &raw, &rest) != SQLITE_OK)
    fail(sql);
  cached.statement.reset(raw);
  if (!raw || !trim(rest).empty()) throw Error("one statement is expected; Tx::script takes more: " + std::string(sql));
  const int count = sqlite3_bind_parameter_count(raw);
  for (int n = 1; n <= count; ++n) {
    cached.places.push_back(sqlite3_bind_parameter_index(raw, ("$" + std::to_string(n)).c_str()));
    if (cached.places.back() == 0) throw Error("parameters are $1, $2, ... without gaps: " + std::string(sql));
  }
  return cached;
}

void Connection::fail(std::string_view sql) const {
  const int code = sqlite3_extended_errcode(db_.get());
  const std::string message = sqlite3_errmsg(db_.get());
  const std::string what = message + " (SQLite " + std::to_string(code) + ") in: " + std::string(sql);
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      throw ConstraintViolation(constraint_name(code, message), what);
    case SQLITE_FULL:
      throw StorageFull(what);
    case SQLITE_INTERRUPT:
      throw Error("the statement took longer than " + std::to_string(timeout_.count()) + " ms: " + std::string(sql));
    default:
      throw Error(what);
  }
}

}  // namespace toll::sql::sqlite
