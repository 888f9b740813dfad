// Hours made of minutes, days made of hours, so that a report over 90 days reads a few hundred rows of one key however
// many calls there were.
//
// An hour is added up some minutes after its end, by whichever process comes first. Rows that are written into an hour
// later than that mark it; a marked hour (and its day) is added up anew, and until then reports read its minutes.
// Minutes are kept as long as a report may reach back: the edge of a report is a minute, not an hour.
#pragma once

#include <cstdint>
#include <set>

#include "base/clock.h"
#include "sql/database.h"

namespace toll::metering {

inline constexpr std::int64_t kept_days = 92;

struct RolledUp {
  std::int64_t hours = 0;  // numbers below are in usage_hours
  std::int64_t days = 0;   // the same for usage_days
};
RolledUp rolled_up(sql::Tx& tx);

// Adds up every hour and day that is due and forgets what is older than kept_days. Blocking; reads outside of the
// writing transactions. Any number of processes may do it at the same time.
void roll_up(sql::Database& db, Time now);

// An hour is over so long that it may have been added up: whoever writes into it, or into one that has been, must mark
// it in the same transaction.
bool is_late(std::int64_t hour, std::int64_t newest_minute);
void mark_late(sql::Tx& tx, std::int64_t hour);
// Nearly always empty.
std::set<std::int64_t> late_hours(sql::Tx& tx);

}  // namespace toll::metering
