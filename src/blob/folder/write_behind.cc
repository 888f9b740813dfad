#include "blob/folder/write_behind.h"

#include <system_error>
#include <utility>

namespace toll::blob::folder {

WriteBehind::~WriteBehind() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  posted_.notify_all();
  for (auto& thread : threads_) thread.join();
}

std::future<Result<void>> WriteBehind::post(std::function<Result<void>()> write) {
  Job job(std::move(write));
  auto done = job.get_future();
  std::unique_lock lock(mutex_);
  if (has_hands()) {
    jobs_.push_back(std::move(job));
    posted_.notify_one();
  } else {
    lock.unlock();
    job();
  }
  return done;
}

// Whether a thread is there to take what is posted now, or will be.
bool WriteBehind::has_hands() {
  if (idle_ > jobs_.size() || threads_.size() >= most_) return true;
  try {
    threads_.push_back(start_([this] { work(); }));
  } catch (const std::system_error&) {
    return !threads_.empty();
  }
  return true;
}

void WriteBehind::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    posted_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace toll::blob::folder
