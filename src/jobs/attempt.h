// One run of one job in this process: what its slot, the keeper and whoever withdraws it have to tell each other.
#pragma once

#include <atomic>
#include <chrono>
#include <stop_token>
#include <utility>

#include "engine/engine.h"
#include "jobs/job.h"

namespace toll::jobs {

// Why a run was told to stop; a greater one overrules a smaller.
enum class Halt : std::uint8_t { none, shutdown, timed_out, withdrawn };

// Thread-safe.
class Attempt final : public engine::Progress {
 public:
  using Steady = std::chrono::steady_clock;

  Attempt(Claim claim, std::chrono::seconds timeout)
      : claim_(std::move(claim)), started_(Steady::now()), deadline_(started_ + timeout) {}

  const Claim& claim() const { return claim_; }
  Steady::time_point started() const { return started_; }
  bool overdue(Steady::time_point now) const { return now >= deadline_; }

  void report(double fraction) override { percent_ = static_cast<int>(fraction * 100); }
  int percent() const { return percent_; }

  void halt(Halt why) {
    Halt now = halt_;
    while (now < why && !halt_.compare_exchange_weak(now, why)) {
    }
    stop_.request_stop();
  }
  Halt halted() const { return halt_; }
  std::stop_token token() const { return stop_.get_token(); }

 private:
  const Claim claim_;
  const Steady::time_point started_;
  const Steady::time_point deadline_;
  std::atomic<int> percent_ = 0;
  std::atomic<Halt> halt_ = Halt::none;
  std::stop_source stop_;
};

}  // namespace toll::jobs
