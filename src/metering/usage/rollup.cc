#include "metering/usage/rollup.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "metering/subject.h"
#include "metering/usage/rows.h"
#include "metering/usage/tally.h"

namespace toll::metering {

namespace {

// Later than this a writer marks the hour; earlier than that nobody adds it up. The gap is for slow transactions and
// clocks that differ.
constexpr std::int64_t mark_after = 2;
constexpr std::int64_t add_up_after = 5;

struct Level {
  std::string_view from, from_span, to, to_span;
  std::int64_t parts;
  std::string_view done;  // the column of usage_state
};
constexpr Level hours{"usage_minutes", "minute", "usage_hours", "hour", 60, "hours_done"};
constexpr Level days{"usage_hours", "hour", "usage_days", "day", 24, "days_done"};

struct Sum {
  AccountId account;
  Tally tally;
};
using Sums = std::unordered_map<Subject, Sum, SubjectHash>;

Sums sums_of(sql::Database& db, const Level& level, std::int64_t span) {
  const auto sql = fmt::format("SELECT subject, account_id, charged, tally FROM {0} WHERE {1} >= $1 AND {1} < $2",
                               level.from, level.from_span);
  return db.read([&](sql::Tx& tx) {
    Sums out;
    for (const auto& row : tx.query(sql, span * level.parts, (span + 1) * level.parts)) {
      auto& sum = out[Subject::from_bytes(row.text(0))];
      sum.account = AccountId(row.integer(1));
      sum.tally.charged += row.integer(2);
      sum.tally.add_encoded(row.text(3));
    }
    return out;
  });
}

void replace(sql::Tx& tx, const Level& level, std::int64_t span, const Sums& sums) {
  static const std::vector<std::uint32_t> unchanged = [] {
    std::vector<std::uint32_t> ids(1 << 16);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::uint32_t>(i);
    return ids;
  }();
  tx.exec(fmt::format("DELETE FROM {} WHERE {} = $1", level.to, level.to_span), span);
  SumWriter rows(tx, level.to);
  for (const auto& [subject, sum] : sums)
    rows.add({span, subject, 0, sum.account, sum.tally.charged, sum.tally.encode(unchanged)});
  rows.finish();
}

void forget_old(sql::Tx& tx, const Level& level, std::int64_t span) {
  const auto oldest = span - kept_days * 24 * 60 / (level.to_span == "hour" ? 60 : 24 * 60);
  tx.exec(fmt::format("DELETE FROM {} WHERE {} < $1", level.from, level.from_span), oldest * level.parts);
}

// The next span that has something to add up, and `due` when there is none before.
std::int64_t next_with_rows(sql::Database& db, const Level& level, std::int64_t done, std::int64_t due) {
  const auto sql = fmt::format("SELECT min({0}) FROM {1} WHERE {0} >= $1", level.from_span, level.from);
  const auto first = db.read([&](sql::Tx& tx) { return tx.one(sql, done * level.parts).value().maybe_integer(0); });
  return first ? std::min(std::max(*first / level.parts, done), due) : due;
}

// False when another process was faster.
bool advance(sql::Tx& tx, const Level& level, std::int64_t from, std::int64_t to) {
  return tx.exec(fmt::format("UPDATE usage_state SET {0} = $2 WHERE {0} = $1", level.done), from, to) == 1;
}

void add_up_through(sql::Database& db, const Level& level, std::int64_t done, std::int64_t due) {
  while (done < due) {
    const auto span = next_with_rows(db, level, done, due);
    const auto sums = span < due ? sums_of(db, level, span) : Sums();
    const auto reached = std::min(span + 1, due);
    const bool ours = db.write([&](sql::Tx& tx) {
      if (!advance(tx, level, done, reached)) return false;
      if (span < due) replace(tx, level, span, sums);
      forget_old(tx, level, span);
      return true;
    });
    if (!ours) return;
    done = reached;
  }
}

struct Late {
  std::int64_t hour, marks;
};

// A mark that grew meanwhile stays for the next time.
void add_up_late(sql::Database& db) {
  const auto [done, late] = db.read([](sql::Tx& tx) {
    std::vector<Late> out;
    for (const auto& row : tx.query("SELECT hour, marks FROM usage_late ORDER BY hour"))
      out.push_back({row.integer(0), row.integer(1)});
    return std::pair(rolled_up(tx), out);
  });
  for (const auto& [hour, marks] : late) {
    if (hour >= done.hours) continue;
    const auto sums = sums_of(db, hours, hour);
    db.write([&](sql::Tx& tx) { return replace(tx, hours, hour, sums), true; });
    const auto day = hour / 24;
    const auto of_day = day < done.days ? sums_of(db, days, day) : Sums();
    db.write([&](sql::Tx& tx) {
      // Added up meanwhile, maybe from what the hour was before: the mark stays.
      if ((day < rolled_up(tx).days) != (day < done.days)) return true;
      if (day < done.days) replace(tx, days, day, of_day);
      tx.exec("DELETE FROM usage_late WHERE hour = $1 AND marks = $2", hour, marks);
      return true;
    });
  }
}

}  // namespace

RolledUp rolled_up(sql::Tx& tx) {
  const auto row = tx.one("SELECT hours_done, days_done FROM usage_state").value();
  return {row.integer(0), row.integer(1)};
}

void roll_up(sql::Database& db, Time now) {
  const auto minute = to_micros(now) / micros_a_minute;
  const auto done = db.read([](sql::Tx& tx) { return rolled_up(tx); });
  const auto hours_due = (minute - add_up_after) / 60;
  add_up_through(db, hours, done.hours, hours_due);
  add_up_late(db);
  const auto hours_done = db.read([](sql::Tx& tx) { return rolled_up(tx); }).hours;
  add_up_through(db, days, done.days, hours_done / 24);
}

std::set<std::int64_t> late_hours(sql::Tx& tx) {
  std::set<std::int64_t> out;
  for (const auto& row : tx.query("SELECT hour FROM usage_late")) out.insert(row.integer(0));
  return out;
}

bool is_late(std::int64_t hour, std::int64_t newest_minute) {
  return (hour + 1) * 60 + mark_after <= newest_minute;
}

void mark_late(sql::Tx& tx, std::int64_t hour) {
  tx.exec(
      "INSERT INTO usage_late (hour, marks) VALUES ($1, 1) ON CONFLICT (hour) DO UPDATE SET marks = "
      "usage_late.marks + 1",
      hour);
}

}  // namespace toll::metering
