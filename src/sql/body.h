// Running a body on a connection of either engine.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "sql/tasks.h"

namespace toll::sql {

// Connection has run(sql, args, rows) and script(sql).
template <class Connection>
class BodyTx final : public Tx {
 public:
  BodyTx(Connection& connection, Engine engine, bool only_one = false)
      : connection_(connection), engine_(engine), only_one_(only_one) {}
  Engine engine() const override { return engine_; }
  void script(std::string_view sql) override {
    guarded([&] { connection_.script(sql); });
  }
  std::exception_ptr failed() const { return failed_; }
  std::vector<std::function<void()>> take_hooks() { return std::move(hooks_); }

 protected:
  Outcome run(std::string_view sql, const std::vector<Value>& args) override {
    if (only_one_ && used_) throw std::logic_error("a second statement where one was announced: " + std::string(sql));
    used_ = true;
    Outcome outcome;
    guarded([&] { outcome.changed = connection_.run(sql, args, outcome.rows); });
    return outcome;
  }

 private:
  // A failed statement fails the rest of the body: PostgreSQL works that way, so both do.
  template <class F>
  void guarded(F f) {
    if (failed_) std::rethrow_exception(failed_);
    try {
      f();
    } catch (...) {
      failed_ = std::current_exception();
      throw;
    }
  }

  Connection& connection_;
  Engine engine_;
  const bool only_one_;
  bool used_ = false;
  std::exception_ptr failed_;
};

struct Ended {
  bool keep = false;
  std::exception_ptr database;  // what the database threw, whatever the body made of it
};

// Runs task.body once more and sets task.failed and task.hooks. A body that swallowed an error and wants to keep its
// work fails with that error; one that gives up by itself has its own answer.
template <class Connection>
Ended run_body(Task& task, Connection& connection, Engine engine, bool only_one = false) {
  BodyTx<Connection> tx(connection, engine, only_one);
  Ended ended;
  task.failed = nullptr;
  task.hooks.clear();
  try {
    ended.keep = task.body(tx);
    if (ended.keep) task.failed = tx.failed();
  } catch (...) {
    task.failed = std::current_exception();
  }
  ended.keep = ended.keep && !task.failed;
  ended.database = tx.failed();
  if (ended.keep) task.hooks = tx.take_hooks();
  return ended;
}

template <class E>
bool is(const std::exception_ptr& failed) {
  if (!failed) return false;
  try {
    std::rethrow_exception(failed);
  } catch (const E&) {
    return true;
  } catch (...) {
    return false;
  }
}

// The caller must not be inside the handler of `failed`: the callers of the tasks are to hold the last references to
// it.
inline void answer_all(std::vector<Task>& tasks, std::exception_ptr failed) {
  for (auto& task : tasks) task.failed = failed;
  failed = nullptr;
  for (auto& task : tasks) task.answer();
}

}  // namespace toll::sql
