// One connection to PostgreSQL in pipeline mode: typed binds, owned rows, prepared statements, and commands that travel
// with the next statement instead of costing a round trip. One thread at a time.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sql/database.h"

namespace toll::sql::postgres {

// The transaction lost against another one and may be run again (deadlock, serialisation, a plan that a migration
// outdated).
struct Conflict : Error {
  using Error::Error;
};
// The connection is gone; reconnect.
struct ConnectionLost : Error {
  using Error::Error;
};

class Connection {
 public:
  // Throws Error. `timeout` bounds each statement, on the server.
  Connection(const std::string& url, std::chrono::milliseconds timeout);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Appends the rows and returns how many rows were changed. Throws Error, ConstraintViolation, StorageFull, Conflict,
  // ConnectionLost; after any of them the transaction accepts only a rollback.
  std::int64_t run(std::string_view sql, const std::vector<Value>& args, std::vector<Row>& rows);
  // A command without parameters or rows that must succeed before anything else is done. Returns its tag.
  std::string command(std::string_view sql);
  // Any number of statements, without a time limit.
  void script(std::string_view sql);

  // Travels before the next run, command or script, in the same round trip.
  void defer(std::string_view sql) { deferred_.emplace_back(sql); }
  // Forgets what has been deferred and not sent.
  void drop_deferred() { deferred_.clear(); }
  // Sends it now and looks at the outcome later, with the next answer.
  void post(std::string_view sql);

  bool alive() const { return PQstatus(connection_.get()) == CONNECTION_OK; }
  // Statements sent since the connection was made; for telling whether a transaction has begun.
  std::uint64_t sent() const { return sent_; }

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using ResultPtr = std::unique_ptr<PGresult, Clear>;
  struct Cached {
    std::string sql;
    std::string name;
    bool proven = false;  // it has been prepared and run before
  };
  using CachedAt = std::list<Cached>::iterator;
  // What the server owes us an answer to.
  struct Step {
    enum Kind { prepare, execute, sync } kind;
    CachedAt statement;
  };

  void configure(std::chrono::milliseconds timeout);
  CachedAt prepared(std::string_view sql);
  void forget(CachedAt statement);
  void trim_cache();
  void send(std::string_view sql, const std::vector<Value>& args);
  void send_deferred();
  void sync();
  ResultPtr answers();
  ResultPtr next_result();
  [[noreturn]] void fail(const PGresult* result, const Step& step);
  [[noreturn]] void lost();

  std::chrono::milliseconds timeout_;
  std::unique_ptr<PGconn, Finish> connection_;
  std::vector<std::string> deferred_;
  std::vector<std::string> evicted_;  // DEALLOCATE commands, sent with the next batch
  std::vector<Step> owed_;
  std::uint64_t sent_ = 0;
  std::uint64_t named_ = 0;
  std::list<Cached> statements_;  // most recently used first
  std::unordered_map<std::string_view, CachedAt> by_sql_;
};

}  // namespace toll::sql::postgres
