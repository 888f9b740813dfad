// Usage, read: what a key did, and what the rate limits must remember after a restart.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "metering/counters.h"
#include "metering/subject.h"
#include "sql/database.h"

namespace toll::metering {

struct UsageReport {
  std::int64_t total = 0;
  std::int64_t successful = 0;  // status below 400
  std::int64_t failed = 0;
  double average_ms = 0, p50_ms = 0, p95_ms = 0, p99_ms = 0;      // 0 without calls; percentiles within 1.6 %
  std::vector<std::pair<std::string, std::int64_t>> by_endpoint;  // most calls first, then by name
  std::vector<std::pair<int, std::int64_t>> by_status;            // ascending
};

// The calls answered in [start, end], to the minute: the minute that start falls into is counted whole. All numbers are
// sums over the same rows. At most usage/rollup.h's kept_days back. Some hundred rows by primary key, whatever the
// number of calls.
UsageReport usage_of_key(sql::Tx& tx, const KeyId& key, Time start, Time end);
UsageReport usage_of(sql::Tx& tx, const Subject& subject, Time start, Time end);

// What was charged in the minute, hour and day of `now`, for Counters::preload; with the accounts' own subjects if
// there is a cap on accounts.
std::vector<Counters::Known> charged_in_current_windows(sql::Tx& tx, Time now, bool with_accounts);

}  // namespace toll::metering
