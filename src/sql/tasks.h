// What the database threads have in common: a bounded queue of bodies, and how a body is answered.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <vector>

#include "sql/database.h"

namespace toll::sql {

struct Task {
  Database::Body body;
  Database::Done done;
  std::exception_ptr failed = nullptr;            // what the answer will be
  std::vector<std::function<void()>> hooks = {};  // run before the answer, unless failed

  // Calls the hooks, then done, and lets go of everything. Once. Exceptions of either are bugs: logged, and the thread
  // goes on.
  void answer();
};

// Many producers, many consumers.
class TaskQueue {
 public:
  explicit TaskQueue(std::size_t limit) : limit_(limit) {}

  // Answers at once, on the calling thread, if the queue is full or closed.
  void push(Task task);

  // Waits for at least one task; takes an even share of what is waiting for `consumers` of them, at most `most`.
  // Empty only when the queue is closed and drained.
  std::vector<Task> take(std::size_t most, std::size_t consumers = 1);

  // What is waiting now, at most `most`; does not wait.
  std::vector<Task> take_waiting(std::size_t most);

  void close();

 private:
  std::vector<Task> take_first(std::size_t count);

  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable waiting_;
  std::deque<Task> tasks_;
  bool closed_ = false;
};

}  // namespace toll::sql
