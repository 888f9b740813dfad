#include "jobs/roster.h"

#include <algorithm>

namespace toll::jobs {

bool Roster::wait_for_call(std::chrono::milliseconds poll, Call& call) {
  std::unique_lock lock(mutex_);
  auto free = [this] { return all_.size() < slots_; };
  feeder_.wait(lock, [&] { return closed_ || free(); });
  feeder_.wait_for(lock, poll, [&] { return closed_ || rung_; });
  call = {slots_ - all_.size(), std::exchange(rung_, false)};
  return !closed_;
}

void Roster::add(std::vector<Entry> entries) {
  std::lock_guard lock(mutex_);
  for (auto& entry : entries) {
    if (closed_) entry->halt(Halt::shutdown);
    all_.push_back(entry);
    waiting_.push_back(std::move(entry));
    takers_.notify_one();
  }
}

Roster::Entry Roster::take() {
  std::unique_lock lock(mutex_);
  takers_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
  if (waiting_.empty()) return nullptr;
  Entry entry = std::move(waiting_.front());
  waiting_.pop_front();
  return entry;
}

void Roster::drop(const Entry& entry) {
  std::lock_guard lock(mutex_);
  auto found = std::find(all_.begin(), all_.end(), entry);
  if (found == all_.end()) return;
  std::swap(*found, all_.back());
  all_.pop_back();
  // Its slot is free, and perhaps a place among all that may run.
  rung_ = true;
  feeder_.notify_one();
}

void Roster::ring() {
  std::lock_guard lock(mutex_);
  if (std::exchange(rung_, true)) return;
  feeder_.notify_one();
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
  feeder_.notify_all();
  takers_.notify_all();
}

}  // namespace toll::jobs
