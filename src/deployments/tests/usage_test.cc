#include "deployments/usage.h"

#include "deployments/calls.h"
#include "deployments/tests/fixture.h"

namespace toll::deployments {
namespace {

using std::chrono::hours;
using workflows::State;

class UsageTest : public DeploymentsTest {
 protected:
  void run(const DeploymentId& id, State state, Micros took, std::vector<workflows::ModelUse> models = {}) {
    workflows::Execution execution;
    execution.id = workflows::ExecutionId(random.uuid4());
    execution.deployment = id;
    execution.state = state;
    execution.created_at = clock.now() - took;
    execution.started_at = clock.now() - took;
    execution.ended_at = clock.now();
    execution.cost = {7};
    write([&](sql::Tx& tx) { return count_run(tx, execution, models), true; });
  }
  Usage usage(const DeploymentId& id, std::int64_t days) {
    const auto today = day_of(clock.now());
    return db().read([&](sql::Tx& tx) { return usage_of(tx, id, today - days + 1, today); });
  }
};

TEST_P(UsageTest, counts_calls_runs_tokens_and_money) {
  const auto id = make("inv").id;
  Calls calls{clock};
  write([&](sql::Tx& tx) {
    for (int i = 0; i < 7; ++i) calls.admit(tx, id, 6);
    calls.rejected(tx, id);
    return true;
  });
  for (int i = 0; i < 4; ++i) run(id, State::completed, Micros(1000 * (i + 1)), {{"m", 1, 10, 2, 0, 0}});
  run(id, State::error, Micros(9000));
  run(id, State::stopped, Micros(1));
  const auto used = usage(id, 30);
  EXPECT_EQ(used.total.requests, 7);
  EXPECT_EQ(used.total.throttled, 1);
  EXPECT_EQ(used.total.rejected, 1);
  EXPECT_EQ(used.total.completed, 4);
  EXPECT_EQ(used.total.errors, 1);
  EXPECT_EQ(used.total.stopped, 1);
  EXPECT_DOUBLE_EQ(used.total.error_rate(), 0.2);
  EXPECT_EQ(used.total.prompt_tokens, 40);
  EXPECT_EQ(used.total.completion_tokens, 8);
  ASSERT_EQ(used.models.size(), 1u);
  EXPECT_EQ(used.models[0].calls, 4);
  EXPECT_EQ(used.cost_micro, 42);
  ASSERT_EQ(used.days.size(), 30u);
  EXPECT_EQ(used.days.back().requests, 7);
  EXPECT_EQ(used.days.front().requests, 0);
  EXPECT_FALSE(used.days.front().times);
}

TEST_P(UsageTest, percentiles_are_those_of_the_nearest_rank) {
  const auto id = make("inv").id;
  for (int i = 100; i >= 1; --i) run(id, State::completed, Micros(i));
  auto times = usage(id, 1).total.times.value();
  EXPECT_EQ(times.p50, Micros(50));
  EXPECT_EQ(times.p95, Micros(95));
  EXPECT_EQ(times.p99, Micros(99));
  run(id, State::completed, Micros(1000));
  times = usage(id, 1).total.times.value();
  EXPECT_EQ(times.p50, Micros(51)) << "ceil(0.5 * 101)";
  EXPECT_EQ(times.p99, Micros(100));
  EXPECT_EQ(usage(id, 1).max, Micros(1000));
}

TEST_P(UsageTest, days_have_times_of_their_own) {
  const auto id = make("inv").id;
  run(id, State::completed, Micros(5));
  clock.advance(hours(24));
  run(id, State::error, Micros(11));
  const auto used = usage(id, 2);
  EXPECT_EQ(used.days[0].times->p99, Micros(5));
  EXPECT_EQ(used.days[1].times->p50, Micros(11));
  EXPECT_DOUBLE_EQ(used.days[1].error_rate(), 1);
  EXPECT_EQ(usage(make("other").id, 2).total.completed, 0);
}

TEST_P(UsageTest, what_is_older_than_the_longest_period_goes) {
  const auto id = make("inv").id;
  run(id, State::completed, Micros(5));
  clock.advance(hours(24 * 367));
  EXPECT_EQ(write([&](sql::Tx& tx) { return purge_usage(tx, clock.now()); }), 1);
}

TOLL_ON_EVERY_ENGINE(UsageTest);

}  // namespace
}  // namespace toll::deployments
