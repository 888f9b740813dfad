#include "jobs/roster.h"

#include <algorithm>

namespace toll::jobs {

std::size_t Roster::call() {
  std::lock_guard lock(mutex_);
  if (closed_ || calling_ || !rung_ || all_.size() >= slots_) return 0;
  calling_ = true;
  rung_ = false;
  return slots_ - all_.size();
}

std::size_t Roster::answer(std::vector<Entry> entries) {
  std::lock_guard lock(mutex_);
  for (auto& entry : entries) {
    if (closed_) entry->halt(Halt::shutdown);
    all_.push_back(entry);
    waiting_.push_back(std::move(entry));
  }
  const bool again = !closed_ && rung_ && all_.size() < slots_;
  calling_ = again;
  if (again) rung_ = false;
  if (closed_)
    takers_.notify_all();
  else
    wake_one();
  return again ? slots_ - all_.size() : 0;
}

void Roster::call_failed() {
  std::lock_guard lock(mutex_);
  rung_ = true;
  calling_ = false;
  if (closed_) takers_.notify_all();
}

bool Roster::has_room() const {
  std::lock_guard lock(mutex_);
  return !closed_ && !calling_ && all_.size() < slots_;
}

// One sleeper at a time: where runs are short, the first one up has done the work before all have been woken.
void Roster::wake_one() {
  if (waiting_.empty() || asleep_ == 0 || waking_) return;
  waking_ = true;
  takers_.notify_one();
}

Roster::Entry Roster::take() {
  std::unique_lock lock(mutex_);
  while (waiting_.empty()) {
    if (closed_ && !calling_) return nullptr;
    ++asleep_;
    takers_.wait(lock);
    --asleep_;
    waking_ = false;
  }
  Entry entry = std::move(waiting_.front());
  waiting_.pop_front();
  wake_one();
  return entry;
}

void Roster::drop(std::span<const Entry> entries) {
  std::lock_guard lock(mutex_);
  for (const auto& entry : entries) {
    auto found = std::find(all_.begin(), all_.end(), entry);
    if (found == all_.end()) continue;
    std::swap(*found, all_.back());
    all_.pop_back();
  }
  rung_ = true;
}

void Roster::ring() {
  std::lock_guard lock(mutex_);
  rung_ = true;
}

void Roster::halt(const JobId& job, std::int64_t up_to_attempt) {
  std::lock_guard lock(mutex_);
  for (const auto& entry : all_)
    if (entry->claim().job.id == job && entry->claim().attempt <= up_to_attempt) entry->halt(Halt::withdrawn);
}

std::vector<Roster::Entry> Roster::entries() const {
  std::lock_guard lock(mutex_);
  return all_;
}

void Roster::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  for (const auto& entry : all_) entry->halt(Halt::shutdown);
  takers_.notify_all();
}

}  // namespace toll::jobs
