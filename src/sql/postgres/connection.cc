#include "sql/postgres/connection.h"

#include "base/log.h"
#include "base/text.h"
#include "sql/postgres/values.h"

namespace toll::sql::postgres {

namespace {

// Enough for every statement of the product; text made at run time (IN lists) pushes out the least recently used.
constexpr std::size_t cache_limit = 200;

void log_notice(void*, const char* message) {
  log::debug("sql.notice", {{"message", trim(message)}});
}

std::string_view field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text ? text : "";
}

// PostgreSQL, appendix A: error codes.
std::string constraint_name(const PGresult* result, std::string_view state) {
  if (state == "23503") return "foreign_key";
  if (state == "23502")
    return std::string(field(result, PG_DIAG_TABLE_NAME)) + "_" + std::string(field(result, PG_DIAG_COLUMN_NAME)) +
           "_not_null";
  return std::string(field(result, PG_DIAG_CONSTRAINT_NAME));
}

std::int64_t changed_rows(PGresult* result) {
  const std::string_view tag = PQcmdStatus(result);
  if (!tag.starts_with("INSERT") && !tag.starts_with("UPDATE") && !tag.starts_with("DELETE") &&
      !tag.starts_with("MERGE"))
    return 0;
  return parse_int(PQcmdTuples(result)).value_or(0);
}

}  // namespace

Connection::Connection(const std::string& url, std::chrono::milliseconds timeout) : timeout_(timeout) {
  // What stands before dbname is a default that the url may replace. A silent network is noticed within about a minute.
  static constexpr const char* keys[] = {"fallback_application_name", "connect_timeout",  "keepalives_idle",
                                         "keepalives_interval",       "keepalives_count", "tcp_user_timeout",
                                         "client_encoding",           "dbname",           nullptr};
  const char* const values[] = {"tollhouse", "10", "20", "10", "3", "60000", "UTF8", url.c_str(), nullptr};
  connection_.reset(PQconnectdbParams(keys, values, 1));
  if (!alive())
    throw ConnectionLost("cannot connect to PostgreSQL: " + std::string(trim(PQerrorMessage(connection_.get()))));
  PQsetNoticeProcessor(connection_.get(), log_notice, nullptr);
  configure(timeout);
  if (PQenterPipelineMode(connection_.get()) != 1) lost();
}

void Connection::configure(std::chrono::milliseconds timeout) {
  const auto sql = "SET statement_timeout = " + std::to_string(timeout.count());
  const ResultPtr result(PQexec(connection_.get(), sql.c_str()));
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK)
    throw Error("PostgreSQL refuses " + sql + ": " + std::string(trim(PQresultErrorMessage(result.get()))));
}

std::int64_t Connection::run(std::string_view sql, const std::vector<Value>& args, std::vector<Row>& rows) {
  send_deferred();
  send(sql, args);
  sync();
  const auto result = answers();
  const int count = PQntuples(result.get());
  rows.reserve(rows.size() + static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) rows.push_back(row(result.get(), i));
  return changed_rows(result.get());
}

std::string Connection::command(std::string_view sql) {
  send_deferred();
  send(sql, {});
  sync();
  return PQcmdStatus(answers().get());
}

void Connection::post(std::string_view sql) {
  send_deferred();
  send(sql, {});
  sync();
  if (PQflush(connection_.get()) < 0) lost();
}

// The simple protocol alone takes many statements, and not in pipeline mode.
void Connection::script(std::string_view sql) {
  send_deferred();
  send("SET LOCAL statement_timeout = 0", {});
  sync();
  answers();
  if (PQexitPipelineMode(connection_.get()) != 1) lost();
  const ResultPtr result(PQexec(connection_.get(), std::string(sql).c_str()));
  ++sent_;
  const auto status = PQresultStatus(result.get());
  if (!alive() || PQenterPipelineMode(connection_.get()) != 1) lost();
  const bool fine = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
  if (!fine) fail(result.get(), {Step::execute, statements_.end()});
}

Connection::CachedAt Connection::prepared(std::string_view sql) {
  if (auto found = by_sql_.find(sql); found != by_sql_.end()) {
    statements_.splice(statements_.begin(), statements_, found->second);
    return statements_.begin();
  }
  statements_.push_front({std::string(sql), "s" + std::to_string(++named_)});
  const auto made = statements_.begin();
  by_sql_.emplace(made->sql, made);
  if (PQsendPrepare(connection_.get(), made->name.c_str(), made->sql.c_str(), 0, nullptr) != 1) lost();
  owed_.push_back({Step::prepare, made});
  return made;
}

void Connection::forget(CachedAt statement) {
  if (statement == statements_.end()) return;
  by_sql_.erase(statement->sql);
  statements_.erase(statement);
}

void Connection::send(std::string_view sql, const std::vector<Value>& args) {
  const Parameters parameters(args);
  const auto statement = prepared(sql);
  if (PQsendQueryPrepared(connection_.get(), statement->name.c_str(), parameters.count(), parameters.values(),
                          parameters.lengths(), parameters.formats(), 0) != 1)
    lost();
  owed_.push_back({Step::execute, statement});
  ++sent_;
}

void Connection::send_deferred() {
  for (const auto& sql : std::exchange(evicted_, {})) {
    if (PQsendQueryParams(connection_.get(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) != 1) lost();
    owed_.push_back({Step::execute, statements_.end()});
  }
  for (const auto& sql : std::exchange(deferred_, {})) send(sql, {});
}

void Connection::sync() {
  if (PQpipelineSync(connection_.get()) != 1) lost();
  owed_.push_back({Step::sync, statements_.end()});
}

// Collects everything that is owed and returns the last statement's result, or throws the first error.
Connection::ResultPtr Connection::answers() {
  const auto owed = std::exchange(owed_, {});
  ResultPtr last, failed;
  const Step* culprit = nullptr;
  std::vector<CachedAt> stillborn;
  for (const auto& step : owed) {
    auto result = next_result();
    const auto status = PQresultStatus(result.get());
    if (step.kind == Step::sync) continue;
    if (next_result()) lost();
    const bool fine = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
    if (step.kind == Step::prepare && !fine) stillborn.push_back(step.statement);
    if (!fine && !failed) {
      failed = std::move(result);
      culprit = &step;
    } else if (fine && step.kind == Step::execute) {
      if (step.statement != statements_.end()) step.statement->proven = true;
      last = std::move(result);
    }
  }
  if (failed) {
    // A migration of another server can outdate a plan; forgotten, it is planned anew by the next attempt.
    const bool outdated = field(failed.get(), PG_DIAG_SQLSTATE) == "0A000" && culprit->statement != statements_.end() &&
                          culprit->statement->proven;
    try {
      fail(failed.get(), *culprit);
    } catch (const Error& error) {
      for (auto statement : stillborn) forget(statement);
      if (!outdated) throw;
      forget(culprit->statement);
      throw Conflict(error.what());
    }
  }
  trim_cache();
  return last;
}

void Connection::trim_cache() {
  while (statements_.size() > cache_limit) {
    evicted_.push_back("DEALLOCATE " + statements_.back().name);
    forget(std::prev(statements_.end()));
  }
}

Connection::ResultPtr Connection::next_result() {
  ResultPtr result(PQgetResult(connection_.get()));
  if (!alive()) lost();
  return result;
}

void Connection::fail(const PGresult* result, const Step& step) {
  const std::string state(field(result, PG_DIAG_SQLSTATE));
  const std::string sql = step.statement == statements_.end() ? "a script" : step.statement->sql;
  const std::string what = std::string(trim(PQresultErrorMessage(result))) + " (PostgreSQL " + state + ") in: " + sql;
  // 08P01 is a statement with the wrong number of parameters.
  const bool broken = state.empty() || (state.starts_with("08") && state != "08P01") || state.starts_with("57P");
  if (!alive() || broken) throw ConnectionLost(what);
  if (state == "40001" || state == "40P01") throw Conflict(what);
  if (state == "53100") throw StorageFull(what);
  if (state == "57014")
    throw Error("the statement took longer than " + std::to_string(timeout_.count()) + " ms: " + sql);
  if (state.starts_with("23")) throw ConstraintViolation(constraint_name(result, state), what);
  throw Error(what);
}

void Connection::lost() {
  throw ConnectionLost("the connection to PostgreSQL was lost: " +
                       std::string(trim(PQerrorMessage(connection_.get()))));
}

}  // namespace toll::sql::postgres
