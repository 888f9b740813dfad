// Who runs what in this process: the runs that wait for a slot, those that are in one, and those whose end is being
// written. All of them take a place; there are as many places as slots.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "jobs/attempt.h"

namespace toll::jobs {

// Thread-safe.
class Roster {
 public:
  using Entry = std::shared_ptr<Attempt>;

  explicit Roster(std::size_t slots) : slots_(slots) {}

  // --- asking the queue for work, one call at a time ---
  // How many runs to ask for. 0: no place is free, nothing has rung since the last call, a call is out, or closed.
  std::size_t call();
  // What a call brought. Wakes a slot, which wakes the next one while more are waiting. How many runs the next call is
  // to ask for, which is out then; 0: the call is over, and after a close everything may be gone.
  std::size_t answer(std::vector<Entry> entries);
  // The call is over, and rings for another.
  void call_failed();
  // Whether it is worth looking for work that nobody has rung for.
  bool has_room() const;

  // --- the slots' side ---
  // Waits for a run; null once closed, when none is left and no call is out.
  Entry take();
  // Frees their places, and rings: perhaps there is a place among all that may run, too.
  void drop(std::span<const Entry> entries);

  // --- anybody's ---
  void ring();  // there may be work
  void halt(const JobId& job, std::int64_t up_to_attempt);
  std::vector<Entry> entries() const;
  // No more calls; runs are told to stop, those of a call that is still out too.
  void close();

 private:
  void wake_one();

  const std::size_t slots_;
  mutable std::mutex mutex_;
  std::condition_variable takers_;
  std::vector<Entry> all_;
  std::deque<Entry> waiting_;
  std::size_t asleep_ = 0;
  bool waking_ = false;   // a taker has been woken and has not looked yet
  bool rung_ = true;      // there may be work from before the start
  bool calling_ = false;  // a call is out
  bool closed_ = false;
};

}  // namespace toll::jobs
