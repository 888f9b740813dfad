// One connection to an SQLite file: typed binds, owned rows, a cache of prepared statements. One thread at a time.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sql/database.h"

namespace toll::sql::sqlite {

enum class Access { read, write };
// What COMMIT promises: `synced` survives a power cut, `volatile_` is for databases that end with the process.
enum class Durability { synced, volatile_ };

class Connection {
 public:
  // Throws Error. `timeout` bounds each statement and each wait for the lock of another process.
  Connection(const std::string& path, Access access, Durability durability, std::chrono::milliseconds timeout);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Runs one statement to its end, appends its rows and returns how many rows it changed. Throws Error,
  // ConstraintViolation, StorageFull.
  std::int64_t run(std::string_view sql, const std::vector<Value>& args, std::vector<Row>& rows);
  void run(std::string_view sql);
  // Any number of statements, without a time limit.
  void script(std::string_view sql);

  // False after an error that made SQLite undo the whole transaction (disk full, interrupted write).
  bool in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }

 private:
  struct CloseDb {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using StatementPtr = std::unique_ptr<sqlite3_stmt, Finalize>;
  struct Cached {
    std::string sql;
    StatementPtr statement;
    std::vector<int> places;  // places[n - 1]: SQLite's index of $n
  };

  static int on_progress(void* self);
  static int on_busy(void* self, int tries);
  void use_wal(const std::string& path);
  Cached& prepared(std::string_view sql);
  Cached prepare(std::string_view sql);
  [[noreturn]] void fail(std::string_view sql) const;

  std::chrono::milliseconds timeout_;
  std::chrono::steady_clock::time_point deadline_;
  std::chrono::steady_clock::time_point busy_since_;
  std::unique_ptr<sqlite3, CloseDb> db_;
  std::list<Cached> statements_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Cached>::iterator> by_sql_;
};

// The name that ConstraintViolation carries, from SQLite's extended code and message.
std::string constraint_name(int extended_code, std::string_view message);

}  // namespace toll::sql::sqlite
