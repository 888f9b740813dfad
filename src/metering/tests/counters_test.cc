#include "metering/counters.h"

#include "metering/counters/memory.h"
#include "metering/tests/counters_suite.h"
#include "metering/tests/redis_server.h"

namespace toll::metering {
namespace {

constexpr Time noon{std::chrono::seconds(1'750'075'200)};

std::array<std::shared_ptr<Counters>, 2> in_memory() {
  std::shared_ptr<Counters> one = memory_counters();
  return {one, one};
}
INSTANTIATE_TEST_SUITE_P(Memory, CountersSuite, ::testing::Values(CountersCase{"memory", in_memory}));

// Of this process, started at the first call, ended with it (PR_SET_PDEATHSIG).
RedisServer& shared_server() {
  static RedisServer server;
  return server;
}

std::array<std::shared_ptr<Counters>, 2> over_redis() {
  if (!RedisServer::available()) return {};
  const RedisOptions options{.url = shared_server().url()};
  return {redis_counters(options), redis_counters(options)};
}
INSTANTIATE_TEST_SUITE_P(Redis, CountersSuite, ::testing::Values(CountersCase{"redis", over_redis}));

TEST(Subject, of_a_uuid_is_its_bits) {
  const KeyId id("0123abcd-4567-4890-8bcd-ef0123456789");
  const auto subject = Subject::of_key(id);
  EXPECT_EQ(subject.high, 0x0123abcd45674890u);
  EXPECT_EQ(subject.low, 0x8bcdef0123456789u);
  EXPECT_EQ(subject.key(), id);
  EXPECT_EQ(Subject::of_key(KeyId("0123ABCD-4567-4890-8BCD-EF0123456789")), subject);
  EXPECT_EQ(Subject::from_bytes(subject.bytes()), subject);
  EXPECT_EQ(Subject::of_sessions(AccountId(7)).key(), std::nullopt);
}

TEST(Subject, of_other_text_differs_by_text) {
  EXPECT_NE(Subject::of_key(KeyId("k")), Subject::of_key(KeyId("j")));
  EXPECT_NE(Subject::of_key(KeyId("0123abcd-4567-4890-8bcd-ef012345678g")), Subject());
}

TEST(MemoryCounters, grow_with_their_subjects_and_forget_those_of_yesterday) {
  MemoryCounters counters({.capacity = 1 << 16});
  const Limits limits{10, 100, 1000};
  for (std::uint64_t i = 1; i <= 20'000; ++i) counters.charge_now({{5, i}, limits, {}}, noon);
  EXPECT_EQ(counters.state().subjects, 20'000u);
  for (std::uint64_t i = 1; i <= 20'000; ++i)
    ASSERT_EQ(counters.peek_now({{5, i}, limits, {}}, noon)->of(Window::day).remaining, 999);
  const auto tomorrow = noon + std::chrono::hours(24);
  for (std::uint64_t i = 1; i <= 40'000; ++i) counters.charge_now({{6, i}, limits, {}}, tomorrow);
  EXPECT_LT(counters.state().subjects, 60'000u);
  EXPECT_EQ(counters.state().forgotten, 0u);
}

TEST(MemoryCounters, full_of_subjects_whose_day_is_running_lose_the_least_active) {
  MemoryCounters counters({.capacity = 1});
  const Limits limits{100'000, 100'000, 100'000};
  const Subject busy{5, 1};
  for (int i = 0; i < 50; ++i) counters.charge_now({busy, limits, {}}, noon);
  for (std::uint64_t i = 1; i <= 100'000; ++i) counters.charge_now({{6, i}, limits, {}}, noon);
  EXPECT_LE(counters.state().subjects, 64u * 64);
  EXPECT_GT(counters.state().forgotten, 50'000u);
  EXPECT_EQ(counters.peek_now({busy, limits, {}}, noon)->of(Window::day).remaining, 100'000 - 50);
}

}  // namespace
}  // namespace toll::metering
