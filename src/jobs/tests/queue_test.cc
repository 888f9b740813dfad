#include <algorithm>
#include <atomic>
#include <barrier>
#include <mutex>
#include <set>
#include <thread>

#include "jobs/tests/support.h"

namespace toll::jobs::testing {
namespace {

class JobQueue : public QueueTest {
 protected:
  std::vector<JobId> claim_order(std::size_t count) {
    std::vector<JobId> ids;
    for (const auto& claim : fixture_.claim(count)) ids.push_back(claim.job.id);
    return ids;
  }
};

TEST_P(JobQueue, submit_fits_into_the_callers_transaction) {
  fixture_.fund(alice_, 1);
  JobId id(fixture_.random().uuid4());
  auto refused = fixture_.write([&](sql::Tx& tx) -> Result<void> {
    EXPECT_TRUE(fixture_.queue().submit(tx, {id, alice_, "test", one_credit, "Work"}));
    return Reason::storage_full;
  });
  EXPECT_EQ(refused.error().reason(), Reason::storage_full);
  EXPECT_FALSE(fixture_.find(id));
  EXPECT_EQ(fixture_.balance(alice_), one_credit);
}

TEST_P(JobQueue, makes_no_job_without_credits) {
  fixture_.fund(alice_, 1);
  fixture_.submit(alice_);
  auto refused = fixture_.try_submit(alice_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::insufficient_credits);
  EXPECT_EQ(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().count(tx, alice_); }), 1);
}

TEST_P(JobQueue, takes_nothing_for_free_jobs) {
  Job job = fixture_.submit(alice_, {});
  EXPECT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().cancel(tx, alice_, job.id); }));
  EXPECT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().retry(tx, alice_, job.id); }));
  Claim claim = fixture_.claim_one();
  EXPECT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().complete(tx, claim); }));
  EXPECT_EQ(fixture_.balance(alice_), metering::Credits{});
}

TEST_P(JobQueue, retry_needs_the_credits_again) {
  fixture_.fund(alice_, 1);
  Job first = fixture_.submit(alice_);
  (void)fixture_.write([&](sql::Tx& tx) { return fixture_.queue().cancel(tx, alice_, first.id); });
  fixture_.submit(alice_);
  auto refused = fixture_.write([&](sql::Tx& tx) { return fixture_.queue().retry(tx, alice_, first.id); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::insufficient_credits);
  EXPECT_EQ(fixture_.find(first.id)->state, State::cancelled);
}

TEST_P(JobQueue, shows_nobody_anothers_job) {
  fixture_.fund(alice_, 1);
  Job job = fixture_.submit(alice_);
  fixture_.write([&](sql::Tx& tx) {
    Queue& queue = fixture_.queue();
    EXPECT_FALSE(queue.find(tx, bob_, job.id));
    EXPECT_EQ(queue.cancel(tx, bob_, job.id).error().reason(), Reason::job_not_found);
    EXPECT_EQ(queue.retry(tx, bob_, job.id).error().reason(), Reason::job_not_found);
    EXPECT_EQ(queue.remove(tx, bob_, job.id).error().reason(), Reason::job_not_found);
    EXPECT_TRUE(queue.list(tx, {.account = bob_}).empty());
    EXPECT_EQ(queue.find(tx, alice_, job.id)->state, State::pending);
    return true;
  });
}

TEST_P(JobQueue, names_the_state_in_its_refusals) {
  fixture_.fund(alice_, 1);
  Job job = fixture_.submit(alice_);
  auto refused = fixture_.write([&](sql::Tx& tx) { return fixture_.queue().retry(tx, alice_, job.id); });
  EXPECT_EQ(refused.error().argument("status"), "pending");
  Claim claim = fixture_.claim_one();
  EXPECT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().complete(tx, claim); }));
  refused = fixture_.write([&](sql::Tx& tx) { return fixture_.queue().cancel(tx, alice_, job.id); });
  EXPECT_EQ(refused.error().argument("status"), "completed");
}

TEST_P(JobQueue, lists_newest_first_in_pages) {
  fixture_.fund(alice_, 10);
  std::vector<Job> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(fixture_.submit(alice_));
  fixture_.write([&](sql::Tx& tx) {
    auto page = fixture_.queue().list(tx, {.account = alice_, .limit = 2});
    EXPECT_EQ(page.at(0).id, jobs[4].id);
    EXPECT_EQ(page.at(1).id, jobs[3].id);
    page = fixture_.queue().list(tx, {.account = alice_, .before = page.at(1).sequence, .limit = 100});
    EXPECT_EQ(page.size(), 3u);
    EXPECT_EQ(page.at(0).id, jobs[2].id);
    return true;
  });
  fixture_.claim(1);
  fixture_.write([&](sql::Tx& tx) {
    EXPECT_EQ(fixture_.queue().list(tx, {.status = State::processing}).size(), 1u);
    EXPECT_EQ(fixture_.queue().list(tx, {.account = alice_, .status = State::pending}).size(), 4u);
    EXPECT_EQ(fixture_.queue().depth(tx).pending, 4);
    EXPECT_EQ(fixture_.queue().depth(tx).processing, 1);
    return true;
  });
}

TEST_P(JobQueue, serves_accounts_in_turn_and_each_in_order) {
  fixture_.fund(alice_, 10);
  fixture_.fund(bob_, 10);
  std::vector<JobId> a, b;
  for (int i = 0; i < 4; ++i) a.push_back(fixture_.submit(alice_).id);
  for (int i = 0; i < 2; ++i) b.push_back(fixture_.submit(bob_).id);
  EXPECT_EQ(claim_order(10), (std::vector{a[0], b[0], a[1], b[1], a[2], a[3]}));
}

// Who is hurt: whoever comes second, when somebody else has put a thousand jobs into the queue.
TEST_P(JobQueue, lets_a_newcomer_in_at_once) {
  AccountId crowd(9);
  fixture_.fund(crowd, 200);
  fixture_.fund(alice_, 10);
  for (int i = 0; i < 100; ++i) fixture_.submit(crowd);
  for (int i = 0; i < 20; ++i) fixture_.claim(1);
  JobId first = fixture_.submit(alice_).id, second = fixture_.submit(alice_).id;
  auto order = claim_order(4);
  EXPECT_EQ(order[1], first);
  EXPECT_EQ(order[3], second);
}

TEST_P(JobQueue, puts_lost_work_before_later_work) {
  fixture_.fund(alice_, 10);
  Job first = fixture_.submit(alice_);
  Claim claim = fixture_.claim_one();
  Job second = fixture_.submit(alice_), third = fixture_.submit(alice_);
  EXPECT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().lost(tx, claim); }));
  EXPECT_EQ(claim_order(3), (std::vector{first.id, second.id, third.id}));
}

TEST_P(JobQueue, claims_only_what_the_worker_can_run) {
  fixture_.fund(alice_, 10);
  fixture_.submit(alice_, one_credit, "other");
  Job mine = fixture_.submit(alice_, one_credit, "mine");
  auto claims = fixture_.write([&](sql::Tx& tx) {
    return fixture_.queue().claim(tx, {.worker = "w", .max_processing = 9, .limit = 9, .kinds = {"mine", "third"}});
  });
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims[0].job.id, mine.id);
}

TEST_P(JobQueue, never_runs_more_than_the_house_allows) {
  fixture_.fund(alice_, 10);
  for (int i = 0; i < 6; ++i) fixture_.submit(alice_);
  EXPECT_EQ(fixture_.claim(2, 3).size(), 2u);
  auto more = fixture_.claim(5, 3);
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(fixture_.claim(5, 3).size(), 0u);
  EXPECT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().complete(tx, more[0]); }));
  EXPECT_EQ(fixture_.claim(5, 3).size(), 1u);
}

TEST_P(JobQueue, reclaims_expired_leases_and_dead_workers_only) {
  fixture_.fund(alice_, 10);
  Job late = fixture_.submit(alice_), dead = fixture_.submit(alice_), fine = fixture_.submit(alice_);
  fixture_.claim(1, 9, "late");
  fixture_.clock().advance(std::chrono::seconds(10));
  fixture_.claim(1, 9, "dead");
  fixture_.claim(1, 9, "fine");
  fixture_.clock().advance(std::chrono::seconds(6));
  EXPECT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().has_expired(tx); }));
  std::vector<std::string> gone{"dead", "nobody"};
  EXPECT_EQ(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().reclaim(tx, gone); }), 2u);
  EXPECT_FALSE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().has_expired(tx); }));
  EXPECT_EQ(fixture_.find(late.id)->lost_runs, 1);
  EXPECT_EQ(fixture_.find(dead.id)->state, State::pending);
  EXPECT_EQ(fixture_.find(fine.id)->state, State::processing);
  EXPECT_EQ(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().workers(tx); }),
            std::vector<std::string>{"fine"});
}

TEST_P(JobQueue, tells_its_listener_after_the_commit_and_never_of_what_was_undone) {
  struct Heard final : Listener {
    void work_added() override { ++added; }
    void withdrawn(const JobId& job, std::int64_t attempt) override { stopped.emplace_back(job.value(), attempt); }
    std::atomic<int> added = 0;
    std::vector<std::pair<std::string, std::int64_t>> stopped;
  } heard;
  fixture_.fund(alice_, 10);
  auto listening = fixture_.queue().listen(heard);
  Job job = fixture_.submit(alice_);
  EXPECT_EQ(heard.added, 1);
  Claim claim = fixture_.claim_one();
  (void)fixture_.write([&](sql::Tx& tx) -> Result<void> {
    (void)fixture_.queue().cancel(tx, alice_, job.id);
    return Reason::internal;
  });
  EXPECT_TRUE(heard.stopped.empty());
  (void)fixture_.write([&](sql::Tx& tx) { return fixture_.queue().cancel(tx, alice_, job.id); });
  ASSERT_EQ(heard.stopped.size(), 1u);
  EXPECT_EQ(heard.stopped[0], std::pair(job.id.value(), claim.attempt));
  listening.reset();
  fixture_.submit(alice_);
  EXPECT_EQ(heard.added, 1);
}

// Who is hurt: whoever pays twice, or gets the results of a run that was taken from its worker.
TEST_P(JobQueue, completes_many_at_once_and_of_them_only_what_is_still_theirs) {
  fixture_.fund(alice_, 10);
  fixture_.fund(bob_, 10);
  for (int i = 0; i < 3; ++i) fixture_.submit(alice_), fixture_.submit(bob_);
  Job free_job = fixture_.submit(alice_, {});
  auto claims = fixture_.claim(7);
  ASSERT_EQ(claims.size(), 7u);
  fixture_.write([&](sql::Tx& tx) { return fixture_.queue().cancel(tx, claims[1].job.id).has_value(); });
  fixture_.write([&](sql::Tx& tx) { return fixture_.queue().give_back(tx, claims[3]); });
  auto again = fixture_.claim_one();
  ASSERT_EQ(again.job.id, claims[3].job.id);
  std::vector<const Claim*> all;
  for (const auto& claim : claims) all.push_back(&claim);
  auto ours = fixture_.write([&](sql::Tx& tx) { return fixture_.queue().complete(tx, all); });
  EXPECT_EQ(ours, (std::vector<bool>{true, false, true, false, true, true, true}));
  EXPECT_EQ(fixture_.find(free_job.id)->state, State::completed);
  EXPECT_EQ(fixture_.find(claims[1].job.id)->state, State::cancelled);
  EXPECT_EQ(fixture_.find(claims[3].job.id)->state, State::processing);
  EXPECT_EQ(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().complete(tx, all); }),
            std::vector<bool>(7, false));
  EXPECT_EQ(fixture_.held(alice_) + fixture_.held(bob_), one_credit);
  EXPECT_EQ(fixture_.write([](sql::Tx& tx) { return broken_promises(tx); }), "");
}

TEST_P(JobQueue, completes_of_two_runs_of_one_job_the_one_that_holds_it) {
  fixture_.submit(alice_, {});
  const auto old_run = fixture_.claim_one();
  fixture_.write([&](sql::Tx& tx) { return fixture_.queue().give_back(tx, old_run); });
  const auto new_run = fixture_.claim_one();
  ASSERT_EQ(new_run.job.id, old_run.job.id);
  const std::vector<const Claim*> both{&old_run, &new_run};
  EXPECT_EQ(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().complete(tx, both); }),
            (std::vector<bool>{false, true}));
}

// SQLite gives a removed last row's number again.
TEST_P(JobQueue, an_old_claim_means_nothing_to_a_job_with_its_number) {
  fixture_.fund(alice_, 10);
  Job gone = fixture_.submit();
  auto old_claim = fixture_.claim_one();
  fixture_.write([&](sql::Tx& tx) { return fixture_.queue().remove(tx, gone.id).has_value(); });
  Job job = fixture_.submit();
  auto claim = fixture_.claim_one();
  EXPECT_FALSE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().complete(tx, old_claim); }));
  EXPECT_EQ(fixture_.find(job.id)->state, State::processing);
  EXPECT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().complete(tx, claim); }));
}

TEST_P(JobQueue, sells_each_credit_once_to_many_at_a_time) {
  constexpr int clients = 40, credits = 3;
  fixture_.fund(alice_, credits);
  std::atomic<int> accepted = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i)
    threads.emplace_back([&] { accepted += fixture_.try_submit(alice_).has_value() ? 1 : 0; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(accepted, credits);
  EXPECT_EQ(fixture_.balance(alice_), metering::Credits{});
}

TEST_P(JobQueue, lets_one_of_many_cancels_win) {
  fixture_.fund(alice_, 20);
  for (int round = 0; round < 10; ++round) {
    Job job = fixture_.submit(alice_);
    Claim claim = fixture_.claim_one();
    std::atomic<int> cancelled = 0, completed = 0;
    std::barrier start(4);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
      threads.emplace_back([&] {
        start.arrive_and_wait();
        cancelled +=
            fixture_.write([&](sql::Tx& tx) { return fixture_.queue().cancel(tx, alice_, job.id); }).has_value() ? 1
                                                                                                                 : 0;
      });
    threads.emplace_back([&] {
      start.arrive_and_wait();
      completed += fixture_.write([&](sql::Tx& tx) { return fixture_.queue().complete(tx, claim); }) ? 1 : 0;
    });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(cancelled + completed, 1);
  }
  EXPECT_EQ(fixture_.write([](sql::Tx& tx) { return broken_promises(tx); }), "");
}

TEST_P(JobQueue, never_gives_a_job_to_two) {
  constexpr int workers = 8, jobs = 120, max_processing = 10;
  fixture_.fund(alice_, jobs);
  for (int i = 0; i < jobs; ++i) fixture_.submit(alice_);
  std::mutex mutex;
  std::multiset<JobId> done;
  std::atomic<std::int64_t> most = 0;
  std::vector<std::thread> threads;
  for (int w = 0; w < workers; ++w)
    threads.emplace_back([&, w] {
      for (int idle = 0; idle < 200;) {
        auto claims = fixture_.claim(3, max_processing, "w" + std::to_string(w));
        if (claims.empty()) {
          ++idle;
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        auto running = fixture_.write([&](sql::Tx& tx) { return fixture_.queue().depth(tx).processing; });
        most = std::max(most.load(), running);
        for (const auto& claim : claims) {
          EXPECT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().complete(tx, claim); }));
          std::lock_guard lock(mutex);
          done.insert(claim.job.id);
        }
        if (std::lock_guard lock(mutex); done.size() == jobs) return;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done.size(), static_cast<std::size_t>(jobs));
  EXPECT_EQ(std::set<JobId>(done.begin(), done.end()).size(), static_cast<std::size_t>(jobs));
  EXPECT_LE(most, max_processing);
}

TOLL_ON_EVERY_ENGINE(JobQueue);

}  // namespace
}  // namespace toll::jobs::testing
