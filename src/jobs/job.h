// A job: a piece of paid work that waits, runs, and ends once.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fault.h"
#include "base/ids.h"
#include "metering/credits.h"

namespace toll::jobs {

enum class State : std::uint8_t { pending, processing, completed, failed, cancelled };

inline constexpr std::array all_states{State::pending, State::processing, State::completed, State::failed,
                                       State::cancelled};

// The stored name; also the {status} argument of job faults.
constexpr std::string_view to_string(State state) {
  constexpr std::array<std::string_view, 5> names{"pending", "processing", "completed", "failed", "cancelled"};
  return names[static_cast<std::size_t>(state)];
}
constexpr std::optional<State> state_from(std::string_view name) {
  for (State state : all_states)
    if (to_string(state) == name) return state;
  return std::nullopt;
}
// Still waiting or running: its hold is open.
constexpr bool is_open(State state) {
  return state == State::pending || state == State::processing;
}

struct Job {
  JobId id;
  std::int64_t sequence = 0;  // of creation; lists sort by it
  AccountId account;
  std::string kind;         // which Kind runs it
  std::string description;  // of the hold, e.g. "Audio separation job"
  State state = State::pending;
  int progress = 0;   // 0..100; 100 exactly when completed
  int lost_runs = 0;  // runs whose worker died, since the submit or the last retry
  metering::Credits cost;
  Time created_at;
  std::optional<Time> started_at;    // of the latest run
  std::optional<Time> completed_at;  // when it completed, failed or was cancelled
  std::optional<Fault> failure;      // only in failed: reason and public arguments; the cause is in the log only
};

// The right to report on one run of a job. It is void as soon as the job is cancelled, removed, or its lease was lost.
struct Claim {
  Job job;
  std::int64_t attempt = 0;    // grows with each run of the job, over retries too
  std::optional<HoldId> hold;  // of the cost; none when the job is free
};

}  // namespace toll::jobs
