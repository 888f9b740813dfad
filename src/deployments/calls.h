// How often a deployment is called: an exact sliding window over its execute calls, in the database, so that it holds
// over restarts and for all servers together; and the counts of each day.
//
// Calls are numbered one after the other. Those within the last 60 seconds are a run of numbers, so how many there are
// is a difference: no call counts more than the two rows at the ends.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "deployments/deployment.h"
#include "sql/database.h"

namespace toll::deployments {

inline constexpr std::chrono::seconds rate_window{60};

struct Verdict {
  bool admitted = false;
  std::int64_t limit = 0, remaining = 0;
  Time reset;                           // when the oldest call that counts leaves the window
  std::chrono::seconds retry_after{0};  // of a refused one; at least 1
};

// Thread-safe; everything runs in the caller's writing transaction, and calls of one deployment follow one another.
class Calls {
 public:
  explicit Calls(const Clock& clock) : clock_(clock) {}

  // Counts an execute call: as a request, and in the window unless that is full. At most `limit` are admitted in any
  // 60 seconds; a refused one takes no place.
  Verdict admit(sql::Tx& tx, const DeploymentId& deployment, std::int64_t limit) const;
  // Of a call that was admitted, and refused before anything started.
  void rejected(sql::Tx& tx, const DeploymentId& deployment) const;
  // Deletes calls that count no more; how many, at most `limit`.
  std::int64_t purge(sql::Tx& tx, std::size_t limit = 20'000) const;

 private:
  void count(sql::Tx& tx, const DeploymentId& deployment, bool request, bool rejected, bool throttled) const;
  const Clock& clock_;
};

}  // namespace toll::deployments
