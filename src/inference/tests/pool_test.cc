#include "inference/pool.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>

#include "engine/fd.h"
#include "inference/tests/doubling.h"

namespace toll::inference {
namespace {

using testing::floats;
using testing::values_of;

class NoFile final : public blob::Reader {
 public:
  std::uint64_t size() const override { return 0; }
  std::size_t read_at(std::uint64_t, std::span<std::byte>) const override { return 0; }
};

class PoolTest : public ::testing::Test {
 protected:
  Pool& pool(std::size_t workers, std::int64_t batch = 0) {
    Pool::Options options;
    options.make_runner = [this] { return std::make_unique<testing::DoublingRunner>(shared); };
    options.workers = workers;
    options.output_bytes = 64;
    options.patience = patience;
    options.idle = idle;
    options.batch = batch;
    options.batch_delay = std::chrono::seconds(5);
    pool_.emplace(options);
    return *pool_;
  }
  static inference::Run run(char model, const std::vector<float>& values, std::int64_t rows = 0,
                            std::int64_t account = 1) {
    inference::Run out;
    out.account = AccountId(account);
    out.model = std::string(1, model);
    out.sha256 = std::string(64, model);
    out.open = [] { return std::shared_ptr<const blob::Reader>(std::make_shared<NoFile>()); };
    out.inputs.push_back(floats("x", {static_cast<std::int64_t>(values.size() / 2), 2}, values));
    out.outputs = {"x"};
    out.rows = rows;
    return out;
  }
  auto later(inference::Run one, int hangup = -1) {
    return std::async(std::launch::async,
                      [this, one = std::move(one), hangup]() mutable { return pool_->run(std::move(one), hangup); });
  }
  void wait_for_runs(int count) {
    std::unique_lock lock(shared.mutex);
    ASSERT_TRUE(shared.changed.wait_for(lock, std::chrono::seconds(20), [&] { return shared.waiting == count; }));
  }
  void wait_for_waiting(std::size_t count) {
    for (int i = 0; i < 2000 && pool_->counts().waiting != count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_EQ(pool_->counts().waiting, count);
  }

  testing::Doubling shared;
  std::chrono::milliseconds patience{20'000}, idle{60'000};
  std::optional<Pool> pool_;
};

TEST_F(PoolTest, keeps_one_worker_warm_for_a_model) {
  auto& one = pool(2);
  for (float value : {1.0f, 2.0f, 3.0f}) {
    auto ran = one.run(run('a', {value, 0}), -1);
    ASSERT_TRUE(ran);
    EXPECT_EQ(values_of(ran->outputs.front()), (std::vector<float>{2 * value, 0}));
  }
  EXPECT_EQ(one.counts().started, 1u);
  EXPECT_EQ(one.counts().warm, 1u);
}

TEST_F(PoolTest, runs_on_the_callers_thread_where_an_idle_worker_holds_the_model) {
  auto& one = pool(2);
  ASSERT_TRUE(one.run(run('a', {1, 0}), -1));
  EXPECT_NE(shared.last.load(), std::this_thread::get_id()) << "a worker is started by a thread that stays";
  shared.warm = true;
  const auto ran = one.run(run('a', {2, 0}), -1);
  ASSERT_TRUE(ran);
  EXPECT_EQ(values_of(ran->outputs.front()), (std::vector<float>{4, 0}));
  EXPECT_EQ(shared.last.load(), std::this_thread::get_id());
  ASSERT_TRUE(one.run(run('b', {2, 0}), -1));
  EXPECT_NE(shared.last.load(), std::this_thread::get_id()) << "another model";
  EXPECT_EQ(one.counts().started, 2u);
  EXPECT_EQ(one.counts().running, 0u);
}

TEST_F(PoolTest, gives_a_borrowed_worker_back_to_those_who_wait) {
  auto& one = pool(1);
  ASSERT_TRUE(one.run(run('a', {1, 0}), -1));
  shared.warm = true;
  shared.hold();
  auto borrower = later(run('a', {2, 0}));
  wait_for_runs(1);
  auto same = later(run('a', {3, 0})), other = later(run('b', {4, 0}));
  wait_for_waiting(2);
  shared.release();
  for (auto* call : {&borrower, &same, &other}) EXPECT_TRUE(call->get());
  EXPECT_EQ(one.counts().running, 0u);
  EXPECT_TRUE(one.run(run('b', {5, 0}), -1));
}

TEST_F(PoolTest, ends_the_run_of_a_borrower_when_it_stops) {
  auto& one = pool(1);
  ASSERT_TRUE(one.run(run('a', {1, 0}), -1));
  shared.warm = true;
  shared.hold();
  auto borrower = later(run('a', {2, 0}));
  wait_for_runs(1);
  one.stop();
  EXPECT_EQ(borrower.get().error().reason(), Reason::cancelled);
}

TEST_F(PoolTest, never_gives_a_worker_to_another_model) {
  auto& one = pool(1);
  for (char model : {'a', 'b', 'a'}) ASSERT_TRUE(one.run(run(model, {1, 1}), -1));
  EXPECT_EQ(one.counts().started, 3u);  // the engine fails the test when it meets a second digest
  EXPECT_EQ(shared.loaded.count(std::string(64, 'a')), 2u);
}

TEST_F(PoolTest, gives_up_the_worker_that_was_used_longest_ago) {
  auto& one = pool(2);
  for (char model : {'a', 'b', 'a', 'c', 'a'}) ASSERT_TRUE(one.run(run(model, {1, 1}), -1));
  EXPECT_EQ(shared.loaded.count(std::string(64, 'a')), 1u);
}

TEST_F(PoolTest, ends_a_worker_that_nobody_uses) {
  idle = std::chrono::milliseconds(20);
  auto& one = pool(1);
  ASSERT_TRUE(one.run(run('a', {1, 1}), -1));
  for (int i = 0; i < 2000 && one.counts().warm; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(one.counts().warm, 0u);
  ASSERT_TRUE(one.run(run('a', {1, 1}), -1));
  EXPECT_EQ(one.counts().started, 2u);
}

TEST_F(PoolTest, tells_a_call_that_waited_too_long_to_try_again) {
  patience = std::chrono::milliseconds(50);
  pool(1);
  shared.hold();
  auto first = later(run('a', {1, 1}));
  wait_for_runs(1);
  const auto second = pool_->run(run('a', {2, 2}), -1);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason(), Reason::overloaded);
  EXPECT_TRUE(second.error().retry_after());
  shared.release();
  EXPECT_TRUE(first.get()) << "one that runs is not told to try again";
}

TEST_F(PoolTest, ends_the_run_of_a_caller_who_hung_up) {
  pool(1);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  engine::Fd ours(ends[0]), theirs(ends[1]);
  shared.hold();
  auto call = later(run('a', {1, 1}), ours.get());
  wait_for_runs(1);
  theirs.reset();
  EXPECT_EQ(call.get().error().reason(), Reason::cancelled);
  wait_for_runs(0);
  shared.release();
  EXPECT_TRUE(pool_->run(run('a', {1, 1}), -1));
}

TEST_F(PoolTest, forgets_a_waiting_call_whose_caller_hung_up) {
  pool(1);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  engine::Fd ours(ends[0]), theirs(ends[1]);
  shared.hold();
  auto first = later(run('a', {1, 1}));
  wait_for_runs(1);
  auto second = later(run('a', {2, 2}), ours.get());
  wait_for_waiting(1);
  theirs.reset();
  EXPECT_EQ(second.get().error().reason(), Reason::cancelled);
  shared.release();
  EXPECT_TRUE(first.get());
  EXPECT_EQ(shared.runs, 1);
}

TEST_F(PoolTest, waits_for_a_call_that_waits_for_others_to_join_it) {
  patience = std::chrono::milliseconds(20);
  pool(1, 2);
  auto first = later(run('a', {1, 1}, 1));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  auto second = later(run('a', {2, 2}, 1));
  EXPECT_TRUE(first.get()) << "it had a slot, so it is not told to try again";
  EXPECT_TRUE(second.get());
}

TEST_F(PoolTest, serves_the_account_with_the_fewest_runs_first) {
  pool(2);
  shared.hold();
  auto first = later(run('a', {1, 1}, 0, 1));
  wait_for_runs(1);
  auto second = later(run('b', {1, 1}, 0, 1));
  wait_for_runs(2);
  auto third = later(run('a', {1, 1}, 0, 1));
  wait_for_waiting(1);
  auto others = later(run('c', {1, 1}, 0, 2));
  wait_for_waiting(2);
  shared.let_one_go();
  for (int i = 0; i < 2000 && !shared.has_loaded('c'); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(shared.has_loaded('c')) << "the other account's call had come later";
  shared.release();
  for (auto* call : {&first, &second, &third, &others}) EXPECT_TRUE(call->get());
}

TEST_F(PoolTest, leaves_a_worker_to_others_for_as_long_as_an_accounts_failed_runs_took) {
  pool(2);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  engine::Fd ours(ends[0]), theirs(ends[1]);
  shared.hold();
  auto wasted = later(run('a', {1, 1}, 0, 1), ours.get());
  wait_for_runs(1);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  theirs.reset();
  EXPECT_EQ(wasted.get().error().reason(), Reason::cancelled);
  wait_for_runs(0);
  auto one = later(run('a', {2, 2}, 0, 1));
  wait_for_runs(1);
  auto two = later(run('b', {2, 2}, 0, 1));
  wait_for_waiting(1);
  auto of_another = later(run('c', {3, 3}, 0, 2));
  wait_for_runs(2);
  EXPECT_TRUE(shared.has_loaded('c'));
  EXPECT_FALSE(shared.has_loaded('b'));
  shared.release();
  for (auto* call : {&one, &two, &of_another}) EXPECT_TRUE(call->get());
}

TEST_F(PoolTest, runs_nothing_for_a_caller_who_left_while_others_were_awaited) {
  pool(1, 4);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  engine::Fd ours(ends[0]), theirs(ends[1]);
  auto left = later(run('a', {1, 1}, 1), ours.get());
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  theirs.reset();
  EXPECT_EQ(left.get().error().reason(), Reason::cancelled);
  auto first = later(run('a', {2, 2, 2, 2}, 2));
  auto second = later(run('a', {3, 3, 3, 3}, 2));
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_EQ(shared.runs, 1);
}

TEST_F(PoolTest, puts_calls_of_several_accounts_never_together) {
  pool(1, 2);
  auto first = later(run('a', {1, 1}, 1, 1));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  auto second = later(run('a', {2, 2}, 1, 2));
  auto third = later(run('a', {3, 3}, 1, 1));
  auto fourth = later(run('a', {4, 4}, 1, 2));
  for (auto* call : {&first, &second, &third, &fourth}) EXPECT_TRUE(call->get());
  EXPECT_EQ(shared.runs, 2) << "each account's two together";
}

TEST_F(PoolTest, refuses_outputs_that_are_larger_than_allowed) {
  auto& one = pool(1);
  const auto ran = one.run(run('a', std::vector<float>(18, 1.0f)), -1);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().reason(), Reason::model_unusable);
}

TEST_F(PoolTest, stops_with_calls_that_run_and_wait) {
  pool(1);
  shared.hold();
  auto first = later(run('a', {1, 1}));
  wait_for_runs(1);
  auto second = later(run('a', {2, 2}));
  wait_for_waiting(1);
  pool_->stop();
  EXPECT_EQ(first.get().error().reason(), Reason::cancelled);
  EXPECT_EQ(second.get().error().reason(), Reason::shutting_down);
  EXPECT_EQ(pool_->run(run('a', {1, 1}), -1).error().reason(), Reason::shutting_down);
}

TEST_F(PoolTest, puts_waiting_calls_together_and_gives_each_its_own_rows) {
  pool(1, 4);
  auto first = later(run('a', {1, 2}, 1));
  auto second = later(run('a', {3, 4, 5, 6}, 2));
  auto third = later(run('a', {7, 8}, 1));
  EXPECT_EQ(values_of(first.get()->outputs.front()), (std::vector<float>{2, 4}));
  EXPECT_EQ(values_of(second.get()->outputs.front()), (std::vector<float>{6, 8, 10, 12}));
  EXPECT_EQ(values_of(third.get()->outputs.front()), (std::vector<float>{14, 16}));
  EXPECT_EQ(shared.runs, 1);
  EXPECT_EQ(pool_->counts().batched, 3u);
}

TEST_F(PoolTest, lets_nobody_pay_for_what_another_brought_into_a_shared_run) {
  shared.refused = 1;
  pool(1, 2);
  auto bad = later(run('a', {1, 1}, 1));
  auto good = later(run('a', {2, 2}, 1));
  EXPECT_EQ(bad.get().error().reason(), Reason::model_unusable);
  EXPECT_TRUE(good.get());
}

TEST_F(PoolTest, runs_one_by_one_what_does_not_work_by_rows) {
  shared.by_rows = false;
  pool(1, 2);
  auto first = later(run('a', {1, 2}, 1));
  auto second = later(run('a', {3, 4}, 1));
  EXPECT_EQ(values_of(first.get()->outputs.front()), (std::vector<float>{2, 4}));
  EXPECT_EQ(values_of(second.get()->outputs.front()), (std::vector<float>{6, 8}));
  EXPECT_EQ(shared.runs, 3);
}

}  // namespace
}  // namespace toll::inference
