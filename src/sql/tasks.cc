#include "sql/tasks.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace toll::sql {

namespace {
void shielded(std::string_view what, const std::function<void()>& call) {
  try {
    call();
  } catch (const std::exception& error) {
    log::error("sql.callback_threw", {{"callback", what}, {"cause", error.what()}});
  } catch (...) {
    log::error("sql.callback_threw", {{"callback", what}});
  }
}
}  // namespace

void Task::answer() {
  if (!failed)
    for (const auto& hook : hooks) shielded("after_commit", hook);
  // The caller may be gone as soon as it has its answer, and must not be kept waiting by what a callback holds.
  body = nullptr;
  hooks.clear();
  const auto last = std::exchange(done, nullptr);
  shielded("done", [&] { last(std::exchange(failed, nullptr)); });
}

void TaskQueue::push(Task task) {
  {
    std::lock_guard lock(mutex_);
    if (closed_)
      task.failed = std::make_exception_ptr(Error("the database is closed"));
    else if (tasks_.size() >= limit_)
      task.failed = std::make_exception_ptr(Overloaded());
    else
      tasks_.push_back(std::move(task));
  }
  // A moved-from std::function is not promised to be empty, so the flag decides and not the callback.
  if (task.failed)
    task.answer();
  else
    waiting_.notify_one();
}

std::vector<Task> TaskQueue::take(std::size_t most, std::size_t consumers) {
  std::unique_lock lock(mutex_);
  waiting_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
  const std::size_t share = (tasks_.size() + consumers - 1) / consumers;
  return take_first(std::min(share, std::max<std::size_t>(most, 1)));
}

std::vector<Task> TaskQueue::take_waiting(std::size_t most) {
  std::lock_guard lock(mutex_);
  return take_first(std::min(most, tasks_.size()));
}

std::vector<Task> TaskQueue::take_first(std::size_t count) {
  std::vector<Task> taken(std::make_move_iterator(tasks_.begin()), std::make_move_iterator(tasks_.begin() + count));
  tasks_.erase(tasks_.begin(), tasks_.begin() + count);
  return taken;
}

void TaskQueue::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  waiting_.notify_all();
}

}  // namespace toll::sql
