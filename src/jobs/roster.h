// Who runs what in this process: the runs that wait for a slot and those that are in one.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "jobs/attempt.h"

namespace toll::jobs {

// Thread-safe.
class Roster {
 public:
  using Entry = std::shared_ptr<Attempt>;

  explicit Roster(std::size_t slots) : slots_(slots) {}

  // --- the feeder's side ---
  // Waits until a slot is free and there may be work (ring() was called), or for `poll`. False once closed.
  struct Call {
    std::size_t free = 0;
    bool rung = false;  // otherwise it is only time to look
  };
  bool wait_for_call(std::chrono::milliseconds poll, Call& call);
  void add(std::vector<Entry> entries);

  // --- the slots' side ---
  // Waits for a run; null once closed and none is left.
  Entry take();
  void drop(const Entry& entry);

  // --- anybody's ---
  void ring();  // there may be work
  void halt(const JobId& job, std::int64_t up_to_attempt);
  std::vector<Entry> entries() const;
  // Nothing more is fed; runs are told to stop, later ones too.
  void close();

 private:
  const std::size_t slots_;
  mutable std::mutex mutex_;
  std::condition_variable feeder_, takers_;
  std::vector<Entry> all_;
  std::deque<Entry> waiting_;
  bool rung_ = true;  // there may be work from before the start
  bool closed_ = false;
};

}  // namespace toll::jobs
