#include "deployments/calls.h"

#include <deque>

#include "deployments/tests/fixture.h"

namespace toll::deployments {
namespace {

using std::chrono::seconds;

class CallsTest : public DeploymentsTest {
 protected:
  Verdict call(const DeploymentId& id, std::int64_t limit) {
    return write([&](sql::Tx& tx) { return calls.admit(tx, id, limit); });
  }
  Calls calls{clock};
};

TEST_P(CallsTest, admits_so_many_in_any_sixty_seconds_and_says_when_the_next_may_come) {
  const auto id = make("inv").id;
  EXPECT_EQ(call(id, 3).remaining, 2);
  clock.advance(seconds(20));
  EXPECT_EQ(call(id, 3).remaining, 1);
  EXPECT_EQ(call(id, 3).remaining, 0);
  const auto refused = call(id, 3);
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.retry_after, seconds(40));
  EXPECT_EQ(refused.reset, clock.now() + seconds(40));
  clock.advance(seconds(39));
  EXPECT_FALSE(call(id, 3).admitted) << "a fixed window would have begun anew";
  clock.advance(seconds(1));
  EXPECT_TRUE(call(id, 3).admitted);
  EXPECT_FALSE(call(id, 3).admitted) << "one left, one came";
}

TEST_P(CallsTest, a_lowered_limit_holds_for_the_next_call) {
  const auto id = make("inv").id;
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(call(id, 100).admitted);
    clock.advance(seconds(10));
  }
  const auto refused = call(id, 2);
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.retry_after, seconds(40)) << "the third oldest has to leave";
  EXPECT_TRUE(call(id, 5).admitted);
}

TEST_P(CallsTest, deployments_do_not_share_a_window) {
  const auto one = make("one").id, other = make("other").id;
  EXPECT_TRUE(call(one, 1).admitted);
  EXPECT_FALSE(call(one, 1).admitted);
  EXPECT_TRUE(call(other, 1).admitted);
}

TEST_P(CallsTest, a_purge_changes_nothing_that_counts) {
  const auto id = make("inv").id;
  for (int i = 0; i < 3; ++i) call(id, 10);
  clock.advance(seconds(61));
  EXPECT_EQ(write([&](sql::Tx& tx) { return calls.purge(tx); }), 2) << "the last one numbers the next";
  EXPECT_EQ(call(id, 10).remaining, 9);
}

// Against a list of every call.
TEST_P(CallsTest, no_sixty_seconds_ever_hold_more_than_the_limit) {
  const auto id = make("inv").id;
  constexpr std::int64_t limit = 5;
  std::deque<Time> admitted;
  for (int i = 0; i < 300; ++i) {
    clock.advance(seconds(random.below(12)) + Micros(random.below(1'000'000)));
    while (!admitted.empty() && admitted.front() <= clock.now() - seconds(60)) admitted.pop_front();
    const bool room = std::ssize(admitted) < limit;
    ASSERT_EQ(call(id, limit).admitted, room) << i;
    if (room) admitted.push_back(clock.now());
    if (i % 50 == 0) write([&](sql::Tx& tx) { return calls.purge(tx); });
  }
}

TOLL_ON_EVERY_ENGINE(CallsTest);

}  // namespace
}  // namespace toll::deployments
