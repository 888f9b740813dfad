// What every implementation of Counters keeps. A subject is new in each test.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "metering/counters.h"

namespace toll::metering {

struct CountersCase {
  const char* name;
  // Two holders of the same counts: one process's, or two of a cluster.
  std::function<std::array<std::shared_ptr<Counters>, 2>()> make;
};
inline void PrintTo(const CountersCase& kind, std::ostream* out) {
  *out << kind.name;
}

inline Verdict charged(Counters& counters, const Demand& demand, Time now) {
  if (auto known = counters.charge_now(demand, now)) return *known;
  std::promise<Verdict> answer;
  counters.charge(demand, now, [&](const Verdict& verdict) { answer.set_value(verdict); });
  return answer.get_future().get();
}
inline Verdict peeked(Counters& counters, const Demand& demand, Time now) {
  if (auto known = counters.peek_now(demand, now)) return *known;
  std::promise<Verdict> answer;
  counters.peek(demand, now, [&](const Verdict& verdict) { answer.set_value(verdict); });
  return answer.get_future().get();
}

class CountersSuite : public ::testing::TestWithParam<CountersCase> {
 protected:
  void SetUp() override {
    both = GetParam().make();
    if (!both[0]) GTEST_SKIP() << "redis-server is not installed";
    ASSERT_FALSE(both[0]->state().down || both[1]->state().down);
  }
  static Subject anybody() {
    static std::atomic<std::uint64_t> last{1};
    return {0x4000, ++last};
  }
  int admitted(const Demand& demand, Time now, int calls) {
    int count = 0;
    for (int i = 0; i < calls; ++i) count += charged(counters(), demand, now).admitted;
    return count;
  }
  Counters& counters() { return *both[0]; }

  std::array<std::shared_ptr<Counters>, 2> both;
  const Time noon{std::chrono::seconds(1'750'075'200)};
};

TEST_P(CountersSuite, a_charge_takes_one_of_each_window) {
  const Demand demand{anybody(), {10, 100, 1000}, {}};
  charged(counters(), demand, noon);
  const auto verdict = charged(counters(), demand, noon + std::chrono::seconds(1));
  EXPECT_TRUE(verdict.admitted);
  EXPECT_FALSE(verdict.unavailable);
  EXPECT_EQ(verdict.of(Window::minute), (Verdict::Part{10, 8, noon + std::chrono::minutes(1)}));
  EXPECT_EQ(verdict.of(Window::hour), (Verdict::Part{100, 98, noon + std::chrono::hours(1)}));
  EXPECT_EQ(verdict.of(Window::day), (Verdict::Part{1000, 998, noon + std::chrono::hours(12)}));
}

TEST_P(CountersSuite, a_refused_call_is_charged_to_no_window) {
  const Demand demand{anybody(), {3, 100, 1000}, {}};
  EXPECT_EQ(admitted(demand, noon, 9), 3);
  const auto verdict = charged(counters(), demand, noon);
  EXPECT_FALSE(verdict.admitted);
  EXPECT_EQ(verdict.of(Window::minute).remaining, 0);
  EXPECT_EQ(verdict.of(Window::hour).remaining, 97);
  EXPECT_EQ(verdict.of(Window::day).remaining, 997);
  EXPECT_EQ(admitted(demand, noon + std::chrono::minutes(1), 9), 3);
}

TEST_P(CountersSuite, each_window_refuses_by_itself) {
  EXPECT_EQ(admitted({anybody(), {100, 4, 100}, {}}, noon, 9), 4);
  EXPECT_EQ(admitted({anybody(), {100, 100, 5}, {}}, noon, 9), 5);
}

TEST_P(CountersSuite, the_call_that_takes_the_last_unit_says_so) {
  const Demand demand{anybody(), {2, 3, 100}, {}};
  EXPECT_EQ(charged(counters(), demand, noon).just_reached, 0);
  EXPECT_EQ(charged(counters(), demand, noon).just_reached, 1);
  EXPECT_EQ(charged(counters(), demand, noon).just_reached, 0);
  EXPECT_EQ(charged(counters(), demand, noon + std::chrono::minutes(1)).just_reached, 2);
}

TEST_P(CountersSuite, a_peek_charges_nothing) {
  const Demand demand{anybody(), {1, 1, 1}, {}};
  EXPECT_TRUE(peeked(counters(), demand, noon).admitted);
  EXPECT_EQ(peeked(counters(), demand, noon).of(Window::day).remaining, 1);
  EXPECT_TRUE(charged(counters(), demand, noon).admitted);
  EXPECT_FALSE(peeked(counters(), demand, noon).admitted);
}

TEST_P(CountersSuite, limits_may_change_between_calls) {
  const auto subject = anybody();
  EXPECT_EQ(admitted({subject, {5, 100, 1000}, {}}, noon, 9), 5);
  EXPECT_EQ(admitted({subject, {7, 100, 1000}, {}}, noon, 9), 2);
  EXPECT_EQ(admitted({subject, {3, 100, 1000}, {}}, noon, 9), 0);
}

TEST_P(CountersSuite, a_step_back_over_a_boundary_gives_nothing) {
  const Demand demand{anybody(), {5, 100, 1000}, {}};
  EXPECT_EQ(admitted(demand, noon, 9), 5);
  EXPECT_EQ(admitted(demand, noon - std::chrono::seconds(1), 9), 0);
  EXPECT_EQ(admitted(demand, noon, 9), 0);
}

TEST_P(CountersSuite, a_clock_that_was_wrong_for_days_is_forgiven_after_a_window) {
  const Demand demand{anybody(), {5, 100, 1000}, {}};
  EXPECT_EQ(admitted(demand, noon + std::chrono::hours(100), 9), 5);
  EXPECT_EQ(admitted(demand, noon, 9), 0);
  EXPECT_EQ(admitted(demand, noon + std::chrono::minutes(1), 9), 5);
}

TEST_P(CountersSuite, a_cap_and_a_subject_are_charged_both_or_neither) {
  const auto account = anybody();
  const Demand::Cap cap{account, {4, 100, 1000}};
  const Demand first{anybody(), {3, 100, 1000}, cap}, second{anybody(), {3, 100, 1000}, cap};
  EXPECT_EQ(admitted(first, noon, 9), 3);
  EXPECT_EQ(admitted(second, noon, 9), 1);
  const auto refused = charged(counters(), second, noon);
  EXPECT_EQ(refused.of(Window::minute), (Verdict::Part{4, 0, noon + std::chrono::minutes(1)}));
  // The refusals by the cap took nothing from the key, those by the key nothing from the cap.
  EXPECT_EQ(peeked(counters(), {second.subject, second.limits, {}}, noon).of(Window::minute).remaining, 2);
  EXPECT_EQ(peeked(counters(), {account, {100, 100, 100}, {}}, noon).of(Window::hour).remaining, 96);
}

TEST_P(CountersSuite, what_the_log_remembers_is_counted) {
  const auto subject = anybody();
  Windows::Counts counts;
  for (auto window : all_windows) counts[static_cast<std::size_t>(window)] = {Windows::number_of(window, noon), 4};
  const Counters::Known known{subject, counts};
  counters().preload({&known, 1});
  EXPECT_EQ(admitted({subject, {5, 100, 1000}, {}}, noon, 9), 1);
  // Older than what is known: nothing is taken back.
  counters().preload({&known, 1});
  EXPECT_EQ(admitted({subject, {6, 100, 1000}, {}}, noon, 9), 1);
}

TEST_P(CountersSuite, exactly_the_limit_passes_among_many_threads_and_holders) {
  const Demand demand{anybody(), {300, 100'000, 100'000}, {}};
  std::atomic<int> passed{0};
  {
    std::vector<std::jthread> crowd;
    for (std::size_t t = 0; t < 8; ++t)
      crowd.emplace_back([&, t] {
        for (int i = 0; i < 100; ++i) passed += charged(*both[t % 2], demand, noon).admitted;
      });
  }
  EXPECT_EQ(passed, 300);
}

}  // namespace toll::metering
