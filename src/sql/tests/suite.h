// The ground that the suites of this folder stand on: one test, one fresh database of each kind.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "sql/testing/databases.h"

namespace toll::sql {

struct DatabaseKind {
  std::string name;
  Engine engine;
  bool shared;  // several Database objects can open the same database
};
inline void PrintTo(const DatabaseKind& kind, std::ostream* out) {
  *out << kind.name;
}

class DatabaseSuite : public ::testing::TestWithParam<DatabaseKind> {
 protected:
  void SetUp() override {
    TOLL_SKIP_WITHOUT(engine());
    if (GetParam().shared) place_ = std::make_unique<testing::Place>(engine());
    db_ = open();
  }

  static Engine engine() { return GetParam().engine; }
  static bool postgres() { return engine() == Engine::postgres; }
  // The same statement, said once for each engine.
  static std::string by_engine(const char* sqlite, const char* postgres_) { return postgres() ? postgres_ : sqlite; }

  std::unique_ptr<Database> open(Options options = {}) {
    if (place_) return place_->open(std::move(options));
    options.url = "sqlite::memory:";
    return sql::open(options);
  }
  void reopen(Options options) {
    db_.reset();
    db_ = open(std::move(options));
  }

  void script(const std::string& sql) {
    db_->write([&](Tx& tx) {
      tx.script(sql);
      return true;
    });
  }
  template <class... Args>
  std::int64_t exec(std::string_view sql, const Args&... args) {
    return db_->write([&](Tx& tx) { return tx.exec(sql, args...); });
  }
  template <class... Args>
  std::int64_t number(std::string_view sql, const Args&... args) {
    return db_->read([&](Tx& tx) { return tx.one(sql, args...)->integer(0); });
  }

  std::unique_ptr<testing::Place> place_;
  std::unique_ptr<Database> db_;
};

// A body that holds a writing thread until it is released, so that what is posted meanwhile waits together.
class Gate {
 public:
  explicit Gate(Database& db) {
    db.post_write(
        [this](Tx&) {
          entered_.set_value();
          released_.get_future().wait();
          return true;
        },
        [this](std::exception_ptr failed) { done_.set_value(failed); });
    entered_.get_future().wait();
  }
  void release() {
    if (!std::exchange(open_, true)) released_.set_value();
  }
  ~Gate() {
    release();
    done_.get_future().wait();
  }

 private:
  std::promise<void> entered_, released_;
  std::promise<std::exception_ptr> done_;
  bool open_ = false;
};

inline std::string what(const std::exception_ptr& failed) {
  if (!failed) return "";
  try {
    std::rethrow_exception(failed);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace toll::sql
