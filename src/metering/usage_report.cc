#include "metering/usage_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "metering/usage/rollup.h"
#include "metering/usage/rows.h"
#include "metering/usage/tally.h"

namespace toll::metering {

namespace {

constexpr std::int64_t minutes_a_day = 24 * 60;

struct Stretch {
  std::string_view span;  // "minute", "hour", "day"
  std::int64_t first, last;
};

// The fewest rows that make up the minutes from first to last.
std::vector<Stretch> stretches(std::int64_t first, std::int64_t last, const RolledUp& done,
                               const std::set<std::int64_t>& late) {
  const auto whole = [&](std::int64_t hour, std::int64_t hours) {
    const auto found = late.lower_bound(hour);
    return found == late.end() || *found >= hour + hours;
  };
  std::vector<Stretch> out;
  const auto add = [&](std::string_view span, std::int64_t number) {
    if (!out.empty() && out.back().span == span)
      out.back().last = number;
    else
      out.push_back({span, number, number});
  };
  while (first <= last) {
    if (first % minutes_a_day == 0 && first + minutes_a_day - 1 <= last && first / minutes_a_day < done.days &&
        whole(first / 60, 24)) {
      add("day", first / minutes_a_day);
      first += minutes_a_day;
    } else if (first % 60 == 0 && first + 59 <= last && first / 60 < done.hours && whole(first / 60, 1)) {
      add("hour", first / 60);
      first += 60;
    } else {
      add("minute", first++);
    }
  }
  return out;
}

// One look-up by primary key a span: the tables are ordered by time first, which keeps writing and forgetting local.
void add_stretch(sql::Tx& tx, const Subject& subject, const Stretch& stretch, Tally& tally) {
  const auto sql = fmt::format(
      "WITH RECURSIVE spans (number) AS (SELECT CAST($1 AS bigint) UNION ALL SELECT number + 1 FROM spans WHERE number "
      "< $2) SELECT u.tally FROM spans CROSS JOIN usage_{0}s u WHERE u.{0} = spans.number AND u.subject = $3",
      stretch.span);
  const auto bytes = subject.bytes();
  for (const auto& row : tx.query(sql, stretch.first, stretch.last, sql::Blob{bytes})) tally.add_encoded(row.text(0));
}

std::map<std::uint32_t, std::string> endpoint_names(sql::Tx& tx) {
  std::map<std::uint32_t, std::string> out;
  for (const auto& row : tx.query("SELECT id, name FROM usage_endpoints"))
    out[static_cast<std::uint32_t>(row.integer(0))] = row.text(1);
  return out;
}

UsageReport report_of(sql::Tx& tx, const Tally& tally) {
  UsageReport out;
  std::map<std::string, std::int64_t> endpoints;
  std::map<int, std::int64_t> statuses;
  const auto names = endpoint_names(tx);
  for (const auto& [endpoint, status, calls] : tally.outcomes) {
    out.total += calls;
    (status < 400 ? out.successful : out.failed) += calls;
    endpoints[names.at(endpoint)] += calls;
    statuses[status] += calls;
  }
  out.by_endpoint.assign(endpoints.begin(), endpoints.end());
  std::ranges::stable_sort(out.by_endpoint, std::greater(), [](const auto& entry) { return entry.second; });
  out.by_status.assign(statuses.begin(), statuses.end());
  if (out.total == 0) return out;
  out.average_ms = static_cast<double>(tally.micros) / static_cast<double>(out.total) / 1000;
  out.p50_ms = tally.percentile(0.50) / 1000;
  out.p95_ms = tally.percentile(0.95) / 1000;
  out.p99_ms = tally.percentile(0.99) / 1000;
  return out;
}

struct Charged {
  Subject subject;
  AccountId account;
  std::int64_t calls;
};

std::vector<Charged> charged_between(sql::Tx& tx, std::string_view span, std::int64_t first, std::int64_t end) {
  std::vector<Charged> out;
  if (first >= end) return out;
  const auto sql = fmt::format(
      "SELECT subject, account_id, sum(charged) FROM usage_{0}s WHERE {0} >= $1 AND {0} < $2 AND charged > 0 GROUP BY "
      "subject, account_id",
      span);
  for (const auto& row : tx.query(sql, first, end))
    out.push_back({Subject::from_bytes(row.text(0)), AccountId(row.integer(1)), row.integer(2)});
  return out;
}

}  // namespace

UsageReport usage_of_key(sql::Tx& tx, const KeyId& key, Time start, Time end) {
  return usage_of(tx, Subject::of_key(key), start, end);
}

UsageReport usage_of(sql::Tx& tx, const Subject& subject, Time start, Time end) {
  const auto first = to_micros(start) / micros_a_minute, last = to_micros(end) / micros_a_minute;
  Tally tally;
  for (const auto& stretch : stretches(first, last, rolled_up(tx), late_hours(tx)))
    add_stretch(tx, subject, stretch, tally);
  return report_of(tx, tally);
}

std::vector<Counters::Known> charged_in_current_windows(sql::Tx& tx, Time now, bool with_accounts) {
  std::unordered_map<Subject, Windows::Counts, SubjectHash> counts;
  const auto number = [&](Window window) { return Windows::number_of(window, now); };
  const auto minute = number(Window::minute), hour = number(Window::hour), day = number(Window::day);
  const auto add = [&](std::span<const Charged> charged, std::initializer_list<Window> windows) {
    for (const auto& [subject, account, calls] : charged)
      for (auto window : windows) {
        counts[subject][static_cast<std::size_t>(window)].used += calls;
        if (with_accounts) counts[Subject::of_account(account)][static_cast<std::size_t>(window)].used += calls;
      }
  };
  const auto rolled = std::clamp(rolled_up(tx).hours, day * 24, hour);
  add(charged_between(tx, "hour", day * 24, rolled), {Window::day});
  add(charged_between(tx, "minute", rolled * 60, hour * 60), {Window::day});
  add(charged_between(tx, "minute", hour * 60, minute), {Window::day, Window::hour});
  add(charged_between(tx, "minute", minute, minute + 1), {Window::day, Window::hour, Window::minute});
  std::vector<Counters::Known> out;
  for (auto& [subject, windows] : counts) {
    for (auto window : all_windows) windows[static_cast<std::size_t>(window)].number = number(window);
    out.push_back({subject, windows});
  }
  return out;
}

}  // namespace toll::metering
