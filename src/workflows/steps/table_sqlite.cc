#include <sqlite3.h>

#include "workflows/steps/tables.h"

namespace toll::workflows::steps {

namespace {

constexpr int busy_ms = 10'000;

TableFault refused(sqlite3* db, std::string detail = "The database refused it.") {
  const int code = sqlite3_errcode(db);
  return {std::move(detail), sqlite3_errmsg(db),
          code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_INTERRUPT};
}

class Statement {
 public:
  Statement(sqlite3* db, const std::string& sql) { sqlite3_prepare_v2(db, sql.c_str(), -1, &raw_, nullptr); }
  ~Statement() { sqlite3_finalize(raw_); }
  Statement(const Statement&) = delete;

  void bind(const Cell& cell) {
    const int at = ++bound_;
    const auto text = [&](const std::string& value) {
      sqlite3_bind_text64(raw_, at, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    };
    if (const auto* integer = std::get_if<std::int64_t>(&cell)) sqlite3_bind_int64(raw_, at, *integer);
    if (const auto* real = std::get_if<double>(&cell)) sqlite3_bind_double(raw_, at, *real);
    if (const auto* flag = std::get_if<bool>(&cell)) sqlite3_bind_int(raw_, at, *flag);
    if (const auto* value = std::get_if<std::string>(&cell)) text(*value);
    if (const auto* value = std::get_if<Json>(&cell)) text(value->text);
    if (const auto* value = std::get_if<Moment>(&cell)) text(value->text);
  }
  // SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return raw_ ? sqlite3_step(raw_) : SQLITE_ERROR; }
  std::string text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(raw_, column));
    return bytes ? bytes : "";
  }

 private:
  sqlite3_stmt* raw_ = nullptr;
  int bound_ = 0;
};

const char* type_of(const Cell& cell) {
  switch (cell.index()) {
    case 1:
    case 3:
      return "INTEGER";
    case 2:
      return "REAL";
    default:
      return "TEXT";
  }
}

class SqliteWriter final : public TableWriter {
 public:
  SqliteWriter(sqlite3* db, const std::stop_token& stop) : db_(db, sqlite3_close), wake_(stop, Interrupt{db}) {}

  TableResult begin(const std::string&) override { return run("BEGIN IMMEDIATE"); }
  TableResult commit() override { return run("COMMIT"); }

  TableResult create(const std::string& table, const std::vector<Column>& columns,
                     const std::vector<std::string>& key) override {
    std::string list, keys;
    for (const auto& column : columns)
      list += (list.empty() ? "" : ", ") + in_quotes(column.name) + " " + type_of(column.value);
    for (const auto& name : key) keys += (keys.empty() ? "" : ", ") + in_quotes(name);
    if (auto fault = run("CREATE TABLE IF NOT EXISTS " + in_quotes(table) + " (" + list + ")")) return fault;
    if (keys.empty()) return std::nullopt;
    return run("CREATE INDEX IF NOT EXISTS " + in_quotes(table + "_key") + " ON " + in_quotes(table) + " (" + keys +
               ")");
  }

  std::variant<std::set<std::string>, TableFault> columns(const std::string& table) override {
    Statement statement(db_.get(), "SELECT name FROM pragma_table_info(?)");
    statement.bind(table);
    std::set<std::string> out;
    int step = statement.step();
    for (; step == SQLITE_ROW; step = statement.step()) out.insert(statement.text(0));
    if (step != SQLITE_DONE) return refused(db_.get());
    return out;
  }

  std::variant<std::int64_t, TableFault> update(const std::string& table, const std::vector<Column>& row,
                                                const std::vector<std::string>& key) override {
    std::string set, where;
    for (const auto& column : row) set += (set.empty() ? "" : ", ") + in_quotes(column.name) + " = ?";
    for (const auto& name : key) where += (where.empty() ? "" : " AND ") + in_quotes(name) + " IS ?";
    Statement statement(db_.get(), "UPDATE " + in_quotes(table) + " SET " + set + " WHERE " + where);
    for (const auto& column : row) statement.bind(column.value);
    for (const auto& name : key)
      for (const auto& column : row)
        if (column.name == name) statement.bind(column.value);
    if (statement.step() != SQLITE_DONE) return refused(db_.get());
    return std::int64_t{sqlite3_changes(db_.get())};
  }

  TableResult insert(const std::string& table, const std::vector<Column>& row) override {
    std::string names, marks;
    for (const auto& column : row) {
      names += (names.empty() ? "" : ", ") + in_quotes(column.name);
      marks += marks.empty() ? "?" : ", ?";
    }
    Statement statement(db_.get(), "INSERT INTO " + in_quotes(table) + " (" + names + ") VALUES (" + marks + ")");
    for (const auto& column : row) statement.bind(column.value);
    if (statement.step() != SQLITE_DONE) return refused(db_.get());
    return std::nullopt;
  }

  std::variant<bool, TableFault> exists(const std::string& table, const Column& where) override {
    Statement statement(db_.get(),
                        "SELECT 1 FROM " + in_quotes(table) + " WHERE " + in_quotes(where.name) + " IS ? LIMIT 1");
    statement.bind(where.value);
    const int step = statement.step();
    if (step != SQLITE_ROW && step != SQLITE_DONE) return refused(db_.get());
    return step == SQLITE_ROW;
  }

 private:
  struct Interrupt {
    sqlite3* db;
    void operator()() const { sqlite3_interrupt(db); }
  };

  TableResult run(const std::string& sql) {
    if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return std::nullopt;
    return refused(db_.get());
  }

  std::unique_ptr<sqlite3, int (*)(sqlite3*)> db_;
  std::stop_callback<Interrupt> wake_;  // ends before the connection closes
};

}  // namespace

OpenedTable open_sqlite(const Root& root, const std::string& database, std::stop_token stop) {
  const auto slash = database.rfind('/');
  const bool plain = is_plain_path(database) && !database.empty() && slash != database.size() - 1 &&
                     make_folder_below(root, slash == database.npos ? "" : database.substr(0, slash));
  if (!plain || !root.writable) return TableFault{"There is no such folder to write to on this server.", database};
  sqlite3* db = nullptr;
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_EXRESCODE;
  if (sqlite3_open_v2((root.path / database).c_str(), &db, flags, nullptr) != SQLITE_OK) {
    TableFault out{"The database cannot be opened.", db ? sqlite3_errmsg(db) : "out of memory"};
    sqlite3_close(db);
    return out;
  }
  // What a file says may not run here.
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_busy_timeout(db, busy_ms);
  return std::make_unique<SqliteWriter>(db, stop);
}

std::string in_quotes(std::string_view identifier) {
  std::string out = "\"";
  for (const char c : identifier) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string quoted_table(std::string_view table) {
  const auto dot = table.find('.');
  return dot == table.npos ? in_quotes(table)
                           : in_quotes(table.substr(0, dot)) + "." + in_quotes(table.substr(dot + 1));
}

}  // namespace toll::workflows::steps
