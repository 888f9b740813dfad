#include "metering/limits.h"

#include <gtest/gtest.h>

namespace toll::metering {
namespace {

using namespace std::chrono_literals;

constexpr Time noon = Time(1'750'075'200s);  // 2025-06-16T12:00:00Z
constexpr Limits plenty{1000, 1000, 1000};

int admitted(Windows& windows, const Limits& limits, Time now, int calls) {
  int count = 0;
  for (int i = 0; i < calls; ++i) count += windows.charge(limits, now).admitted;
  return count;
}

TEST(Windows, let_exactly_the_limit_through) {
  Windows windows;
  EXPECT_EQ(admitted(windows, {10, 100, 1000}, noon, 25), 10);
  EXPECT_EQ(admitted(windows, {10, 100, 1000}, noon + 59s + 999'999us, 25), 0);
  EXPECT_EQ(admitted(windows, {10, 100, 1000}, noon + 60s, 25), 10);
}

TEST(Windows, begin_at_whole_minutes_hours_and_days) {
  Windows windows;
  const auto verdict = windows.charge(plenty, noon + 61s);
  EXPECT_EQ(verdict.of(Window::minute).reset, noon + 120s);
  EXPECT_EQ(verdict.of(Window::hour).reset, noon + 1h);
  EXPECT_EQ(verdict.of(Window::day).reset, noon + 12h);
}

TEST(Windows, charge_all_three_or_none) {
  Windows windows;
  const Limits limits{10, 2, 10};
  EXPECT_EQ(admitted(windows, limits, noon, 5), 2);
  const auto verdict = windows.peek(limits, noon);
  EXPECT_FALSE(verdict.admitted);
  EXPECT_EQ(verdict.of(Window::minute).remaining, 8);
  EXPECT_EQ(verdict.of(Window::hour).remaining, 0);
  EXPECT_EQ(verdict.of(Window::day).remaining, 8);
}

TEST(Windows, a_peek_takes_nothing) {
  Windows windows;
  EXPECT_EQ(windows.peek({1, 1, 1}, noon).of(Window::minute).remaining, 1);
  EXPECT_TRUE(windows.charge({1, 1, 1}, noon).admitted);
}

TEST(Windows, a_lowered_limit_holds_at_once_and_remaining_is_never_negative) {
  Windows windows;
  admitted(windows, plenty, noon, 50);
  const auto verdict = windows.charge({10, 1000, 1000}, noon);
  EXPECT_FALSE(verdict.admitted);
  EXPECT_EQ(verdict.of(Window::minute).remaining, 0);
}

TEST(Windows, a_boundary_crossed_twice_gives_the_limit_once) {
  Windows windows;
  const Limits limits{10, 1000, 1000};
  EXPECT_EQ(admitted(windows, limits, noon, 20), 10);
  EXPECT_EQ(admitted(windows, limits, noon - 1us, 20), 0);
  EXPECT_EQ(admitted(windows, limits, noon, 20), 0);
  EXPECT_EQ(windows.peek(limits, noon - 1us).of(Window::minute).reset, noon + 60s);
}

TEST(Windows, a_clock_that_was_a_year_ahead_shuts_nobody_out_for_a_year) {
  Windows windows;
  const Limits limits{10, 1000, 1000};
  EXPECT_EQ(admitted(windows, limits, noon + 365 * 24h, 20), 10);
  EXPECT_EQ(admitted(windows, limits, noon, 20), 0) << "the count is kept";
  EXPECT_EQ(admitted(windows, limits, noon + 60s, 20), 10);
}

TEST(Windows, a_mad_clock_breaks_nothing) {
  Windows windows;
  EXPECT_TRUE(windows.charge(plenty, Time::max()).admitted);
  EXPECT_TRUE(windows.charge(plenty, Time::min()).admitted);
  EXPECT_TRUE(windows.charge(plenty, noon).admitted);
}

TEST(Windows, learn_the_higher_count_of_the_same_window_and_nothing_old) {
  Windows windows;
  admitted(windows, plenty, noon, 3);
  auto counts = windows.counts();
  counts[0].used = 7;
  counts[1].used = 1;
  counts[2] = {counts[2].number - 1, 500};
  windows.learn(counts);
  EXPECT_EQ(windows.counts()[0].used, 7);
  EXPECT_EQ(windows.counts()[1].used, 3);
  EXPECT_EQ(windows.counts()[2].used, 3);
}

TEST(Windows, are_over_when_the_last_counted_window_is) {
  Windows windows;
  EXPECT_TRUE(windows.over(noon));
  windows.charge(plenty, noon);
  EXPECT_FALSE(windows.over(noon + 12h - 1us));
  EXPECT_TRUE(windows.over(noon + 12h));
}

TEST(Windows, tell_once_that_a_window_was_used_up) {
  Windows windows;
  int told = 0;
  for (int i = 0; i < 10; ++i) told += windows.charge({3, 5, 9}, noon).reached(Window::minute);
  EXPECT_EQ(told, 1);
}

Verdict verdict(Verdict::Part minute, Verdict::Part hour, Verdict::Part day) {
  return {.parts = {minute, hour, day}};
}

TEST(Verdict, the_closest_window_has_the_lowest_share_left) {
  EXPECT_EQ(verdict({60, 30, noon}, {1000, 499, noon}, {10'000, 9000, noon}).closest(), Window::hour);
  EXPECT_EQ(verdict({60, 30, noon}, {1000, 501, noon}, {10'000, 9000, noon}).closest(), Window::minute);
}

TEST(Verdict, among_equal_shares_the_lowest_remaining_counts_and_then_the_shorter_window) {
  EXPECT_EQ(verdict({60, 60, noon}, {50, 50, noon}, {10'000, 10'000, noon}).closest(), Window::hour);
  EXPECT_EQ(verdict({60, 60, noon}, {60, 60, noon}, {60, 60, noon}).closest(), Window::minute);
  EXPECT_EQ(verdict({60, 6, noon}, {0, 0, noon}, {10, 1, noon}).closest(), Window::hour);
}

TEST(Verdict, a_refusal_shows_the_exhausted_window_that_resets_last) {
  const auto refused = verdict({10, 0, noon + 60s}, {100, 0, noon + 1h}, {1000, 1, noon + 12h});
  EXPECT_EQ(refused.shown(), Window::hour);
  EXPECT_EQ(refused.retry_after(noon), 3600s);
  // The last minute of an hour: both end together.
  EXPECT_EQ(verdict({10, 0, noon}, {100, 0, noon}, {1000, 1, noon + 12h}).shown(), Window::hour);
}

TEST(Verdict, waits_are_whole_seconds_and_never_zero) {
  const auto refused = verdict({10, 0, noon + 60s}, {100, 9, noon + 1h}, {1000, 1, noon + 12h});
  EXPECT_EQ(refused.retry_after(noon + 58'500ms), 2s);
  EXPECT_EQ(refused.retry_after(noon + 59'999ms), 1s);
  EXPECT_EQ(refused.retry_after(noon + 61s), 1s);
}

TEST(Verdict, of_two_subjects_tells_the_tighter_windows) {
  const auto key = verdict({10, 5, noon}, {100, 1, noon}, {1000, 900, noon});
  auto account = verdict({20, 2, noon}, {200, 100, noon}, {2000, 2000, noon});
  account.admitted = true;
  const auto both = merged(key, account);
  EXPECT_FALSE(both.admitted);
  EXPECT_EQ(both.of(Window::minute), account.of(Window::minute));
  EXPECT_EQ(both.of(Window::hour), key.of(Window::hour));
}

}  // namespace
}  // namespace toll::metering
