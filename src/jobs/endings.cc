#include "jobs/endings.h"

#include <utility>

namespace toll::jobs {

void Endings::add(Ending ending) {
  std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(ending));
  if (waiting_.size() == 1) added_.notify_one();
}

std::vector<Ending> Endings::take() {
  std::unique_lock lock(mutex_);
  added_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
  return std::exchange(waiting_, {});
}

void Endings::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  added_.notify_all();
}

}  // namespace toll::jobs
