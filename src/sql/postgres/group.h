#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <vector>

#include "sql/postgres/lane.h"
#include "sql/tasks.h"

namespace toll::sql::postgres {

// Groups hold their row locks longer than single bodies and take them in no order, so two lanes may deadlock where the
// bodies alone would not, and PostgreSQL needs a second to notice. After a conflict the lanes of this server take turns
// for a while, which makes deadlocks between them impossible and leaves group commit as it is.
class Turns {
 public:
  void conflict() { until_ = now() + std::chrono::steady_clock::duration(std::chrono::seconds(10)).count(); }
  std::unique_lock<std::mutex> take() {
    std::unique_lock lock(mutex_, std::defer_lock);
    if (now() < until_) lock.lock();
    return lock;
  }

 private:
  static std::chrono::steady_clock::rep now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }
  std::mutex mutex_;
  std::atomic<std::chrono::steady_clock::rep> until_ = 0;
};

// Answers groups of bodies, one commit a group; those of a group that met a conflict run again one by one.
class GroupWriter {
 public:
  GroupWriter(Lane& lane, Turns& turns) : lane_(lane), turns_(turns) {}
  void run(std::vector<Task> tasks);

 private:
  enum class Outcome { answered, conflict, lost };
  Outcome attempt(std::vector<Task>& tasks);
  Outcome run_bodies(std::vector<Task>& tasks, Connection& connection);
  Outcome commit(std::vector<Task>& tasks, Connection& connection);
  void one_by_one(std::vector<Task>& tasks);
  void persist(Task task);

  Lane& lane_;
  Turns& turns_;
  std::uint64_t begun_at_ = 0;  // Connection::sent() before BEGIN
  bool keep_ = false;           // what the last body wants
};

}  // namespace toll::sql::postgres
