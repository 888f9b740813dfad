#include "metering/quota.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "metering/tests/fixture.h"

namespace toll::metering {
namespace {

using namespace std::chrono_literals;

TEST(QuotaBlock, gives_what_it_was_granted_and_no_more) {
  QuotaBlock block;
  EXPECT_FALSE(block.spend(1, 100));
  block.granted(3, 53);
  EXPECT_EQ(block.used(), 50);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(block.spend(1, 100));
  EXPECT_FALSE(block.spend(1, 100));
  EXPECT_EQ(block.used(), 53);
}

TEST(QuotaBlock, a_lowered_limit_holds_at_once) {
  QuotaBlock block;
  block.granted(10, 60);
  EXPECT_FALSE(block.spend(1, 50));
  EXPECT_TRUE(block.spend(1, 51));
}

TEST(QuotaBlock, asks_for_less_near_the_limit) {
  EXPECT_EQ(QuotaBlock::wanted(1, 10'000, 0, 64), 64);
  EXPECT_EQ(QuotaBlock::wanted(1, 100, 20, 64), 10);
  EXPECT_EQ(QuotaBlock::wanted(1, 100, 99, 64), 1);
  EXPECT_EQ(QuotaBlock::wanted(5, 100, 99, 64), 5);
}

class QuotasTest : public DatabaseTest {
 protected:
  std::unique_ptr<Quotas> process() { return std::make_unique<Quotas>(db(), clock, Quotas::Options{.block = 16}); }
  Quotas::Outcome charge(Quotas& quotas, std::int64_t limit, std::int64_t units = 1) {
    std::promise<Quotas::Outcome> answer;
    quotas.charge({key, "query", limit, units}, [&](std::exception_ptr failed, std::optional<Quotas::Outcome> outcome) {
      failed ? answer.set_exception(failed) : answer.set_value(*outcome);
    });
    return answer.get_future().get();
  }
  std::int64_t used(Quotas& quotas) {
    return db().read([&](sql::Tx& tx) { return quotas.used(tx, key, "query"); });
  }

  TestClock clock;
  const Subject key{0x4000, 1};
};

TEST_P(QuotasTest, exactly_the_quota_passes_and_remaining_falls_by_one) {
  const auto quotas = process();
  for (std::int64_t i = 1; i <= 100; ++i) {
    const auto outcome = charge(*quotas, 100);
    ASSERT_TRUE(outcome.admitted);
    ASSERT_EQ(outcome.remaining, 100 - i);
    ASSERT_EQ(used(*quotas), i);
  }
  EXPECT_FALSE(charge(*quotas, 100).admitted);
  EXPECT_TRUE(charge(*quotas, 101).admitted) << "a raised limit is felt at once";
  EXPECT_TRUE(charge(*quotas, -1).admitted) << "without a limit nothing is counted";
  EXPECT_EQ(used(*quotas), 101);
}

TEST_P(QuotasTest, the_hot_path_needs_no_database_within_a_block) {
  const auto quotas = process();
  const Quotas::Charge one{key, "query", 10'000, 1};
  EXPECT_EQ(quotas->charge_now(one), std::nullopt);
  charge(*quotas, 10'000);
  for (int i = 0; i < 15; ++i) ASSERT_TRUE(quotas->charge_now(one).has_value());
  EXPECT_EQ(quotas->charge_now(one), std::nullopt);
}

TEST_P(QuotasTest, a_good_stop_gives_back_what_was_not_spent) {
  charge(*process(), 1000);
  EXPECT_EQ(used(*process()), 1);
}

TEST_P(QuotasTest, a_crash_loses_at_most_a_block_and_overspends_nothing) {
  const auto crashed = process();  // its block is never given back before the others are done
  for (int i = 0; i < 5; ++i) charge(*crashed, 100);
  const auto quotas = process();
  int passed = 5;
  while (charge(*quotas, 100).admitted) ++passed;
  EXPECT_LE(passed, 100);
  EXPECT_GE(passed, 100 - 16);
}

TEST_P(QuotasTest, many_threads_of_three_processes_never_overspend) {
  std::array processes{process(), process(), process()};
  std::atomic<int> passed{0};
  {
    std::vector<std::jthread> crowd;
    for (std::size_t t = 0; t < 9; ++t)
      crowd.emplace_back([&, t] {
        for (int i = 0; i < 60; ++i) passed += charge(*processes[t % 3], 300).admitted;
      });
  }
  EXPECT_LE(passed, 300);
  EXPECT_GE(passed, 300 - 2 * 16);
}

TEST_P(QuotasTest, counters_do_not_touch_each_other) {
  const auto quotas = process();
  for (int i = 0; i < 3; ++i) charge(*quotas, 3);
  std::promise<bool> other;
  quotas->charge({key, "mutation", 3, 1},
                 [&](std::exception_ptr, auto outcome) { other.set_value(outcome->admitted); });
  EXPECT_TRUE(other.get_future().get());
  EXPECT_FALSE(charge(*quotas, 3).admitted);
}

TEST_P(QuotasTest, asking_what_remains_takes_nothing) {
  const auto quotas = process();
  EXPECT_EQ(charge(*quotas, 5, 0).remaining, 5);
  for (int i = 0; i < 3; ++i) charge(*quotas, 5);
  EXPECT_EQ(charge(*quotas, 5, 0), (Quotas::Outcome{true, 2}));
  EXPECT_EQ(charge(*quotas, 2, 0), (Quotas::Outcome{true, 0})) << "of a limit that was lowered";
  EXPECT_EQ(used(*quotas), 3);
  EXPECT_EQ(charge(*process(), 5, 0).remaining, 2) << "another process asks the database";
}

TEST_P(QuotasTest, what_is_given_back_in_a_transaction_is_reserved_no_more) {
  const auto quotas = process();
  charge(*quotas, 1000);
  const auto reserved = db().write([&](sql::Tx& tx) {
    quotas->give_back(tx, key, "query");
    return reserved_quota(tx, key, "query");
  });
  EXPECT_EQ(reserved, 1);
  EXPECT_EQ(quotas->charge_now({key, "query", 1000, 1}), std::nullopt) << "nothing is left in memory";
  EXPECT_EQ(charge(*quotas, 1000).remaining, 998);
}

TEST_P(QuotasTest, what_is_settled_is_there_for_others) {
  const auto one = process(), two = process();
  charge(*one, 1000);
  one->settle(key, "query");
  const auto reserved = [&] { return db().read([&](sql::Tx& tx) { return reserved_quota(tx, key, "query"); }); };
  while (reserved() != 1) std::this_thread::yield();  // given back behind our back
  EXPECT_EQ(charge(*two, 1000).remaining, 998);
  EXPECT_EQ(charge(*one, 1000, 0).remaining, 1000 - 16 - 1) << "what two holds counts as used";
}

TOLL_ON_EVERY_ENGINE(QuotasTest);

}  // namespace
}  // namespace toll::metering
