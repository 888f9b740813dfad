#include "workflows/signals.h"

namespace toll::workflows {

void Signals::work_added(sql::Tx& tx) {
  tx.after_commit([this] {
    std::lock_guard lock(mutex_);
    if (listener_) listener_->work_added();
  });
}

void Signals::withdrawn(sql::Tx& tx, const ExecutionId& execution) {
  tx.after_commit([this, execution] {
    std::lock_guard lock(mutex_);
    if (listener_) listener_->withdrawn(execution);
  });
}

void Signals::ended(sql::Tx& tx, const ExecutionId& execution) {
  tx.after_commit([this, execution] {
    std::lock_guard lock(mutex_);
    const auto [first, last] = by_execution_.equal_range(execution);
    for (auto at = first; at != last; ++at) {
      const auto found = waiting_.find(at->second);
      if (found == waiting_.end()) continue;
      found->second.told();
      waiting_.erase(found);
    }
    by_execution_.erase(first, last);
  });
}

void Signals::listen(Listener* listener) {
  std::lock_guard lock(mutex_);
  listener_ = listener;
}

std::shared_ptr<void> Signals::on_end(const ExecutionId& execution, Told told) {
  std::lock_guard lock(mutex_);
  const auto number = next_++;
  waiting_.emplace(number, Waiting{execution, std::move(told)});
  by_execution_.emplace(execution, number);
  return std::shared_ptr<void>(this, [this, number](void*) {
    std::lock_guard inner(mutex_);
    const auto found = waiting_.find(number);
    if (found == waiting_.end()) return;
    const auto [first, last] = by_execution_.equal_range(found->second.execution);
    for (auto at = first; at != last; ++at)
      if (at->second == number) {
        by_execution_.erase(at);
        break;
      }
    waiting_.erase(found);
  });
}

}  // namespace toll::workflows
