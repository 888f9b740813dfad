// The queue against a model, for as many random steps as TOLL_SIM_OPS says, and against many threads at a time.
//
// TOLL_SIM_SEED repeats a failure; every failure prints it.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <thread>

#include "jobs/tests/support.h"

namespace toll::jobs::testing {
namespace {

std::int64_t from_environment(const char* name, std::int64_t usual) {
  const char* text = std::getenv(name);
  return text ? std::atoll(text) : usual;
}

constexpr std::int64_t accounts = 5;
constexpr std::size_t max_processing = 7;
constexpr Micros lease = std::chrono::seconds(15);

// What we think of one job.
struct Known {
  AccountId account;
  metering::Credits cost;
  State state = State::pending;
  int lost_runs = 0;
  std::int64_t attempt = 0;
  Time lease_until;
};

struct Undo {};  // thrown in a body: the server dies before its commit

class Simulation {
 public:
  Simulation(Fixture& fixture, std::uint64_t seed) : f_(fixture), chance_(seed) {
    for (std::int64_t i = 1; i <= accounts; ++i) f_.fund(AccountId(i), starting_credits);
  }

  void step() {
    switch (chance_.below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return jobs_.size() < most_jobs ? submit() : remove();
      case 5:
      case 6:
      case 7:
        return claim();
      case 8:
      case 9:
      case 10:
        return complete();
      case 11:
        return fail();
      case 12:
        return lose();
      case 13:
        return give_back();
      case 14:
        return beat();
      case 15:
        return cancel();
      case 16:
        return retry();
      case 17:
        return remove();
      case 18:
        return expire();
      default:
        return f_.clock().advance(std::chrono::seconds(chance_.below(5)));
    }
  }

  // Everything, from the rows.
  void check() {
    f_.write([&](sql::Tx& tx) {
      EXPECT_EQ(broken_promises(tx), "");
      EXPECT_LE(f_.queue().depth(tx).processing, static_cast<std::int64_t>(max_processing));
      auto rows = f_.queue().list(tx, {.limit = 1'000'000});
      EXPECT_EQ(rows.size(), jobs_.size());
      for (const Job& job : rows) expect_known(job);
      for (std::int64_t i = 1; i <= accounts; ++i)
        EXPECT_EQ(f_.ledger().balance(tx, AccountId(i)).micros, expected_balance(AccountId(i)));
      return true;
    });
  }

 private:
  static constexpr std::int64_t starting_credits = 40;
  // A long run stays as lively as a short one: among more than these, nearly every choice falls on what has ended.
  static constexpr std::size_t most_jobs = 400;
  static constexpr std::size_t most_claims = 100;

  // Runs f in a transaction that sometimes never commits; then nothing may have happened.
  template <class F>
  bool survives(F f) {
    bool crash = chance_.below(10) == 0;
    try {
      f_.write([&](sql::Tx& tx) {
        f(tx);
        if (crash) throw Undo();
        return true;
      });
    } catch (const Undo&) {
      return false;
    }
    return true;
  }

  void expect_known(const Job& job) {
    auto found = jobs_.find(job.id);
    ASSERT_NE(found, jobs_.end()) << job.id.value();
    EXPECT_EQ(job.state, found->second.state) << job.id.value();
    EXPECT_EQ(job.lost_runs, found->second.lost_runs);
    EXPECT_EQ(job.progress == 100, job.state == State::completed);
    EXPECT_EQ(job.completed_at.has_value(), !is_open(job.state));
  }

  std::int64_t expected_balance(AccountId account) const {
    std::int64_t balance = starting_credits * metering::micros_per_credit - spent_on_removed(account);
    for (const auto& [id, job] : jobs_)
      if (job.account == account && (is_open(job.state) || job.state == State::completed)) balance -= job.cost.micros;
    return balance;
  }
  std::int64_t spent_on_removed(AccountId account) const {
    auto found = spent_.find(account.value());
    return found == spent_.end() ? 0 : found->second;
  }

  std::map<JobId, Known>::iterator any_job() {
    if (jobs_.empty()) return jobs_.end();
    return std::next(jobs_.begin(), static_cast<std::ptrdiff_t>(chance_.below(jobs_.size())));
  }
  bool is_valid(const Claim& claim) const {
    auto found = jobs_.find(claim.job.id);
    return found != jobs_.end() && found->second.state == State::processing && found->second.attempt == claim.attempt;
  }
  // Claims stay here after their end: old ones must have no effect.
  const Claim* any_claim() { return claims_.empty() ? nullptr : &claims_[chance_.below(claims_.size())]; }

  void submit() {
    AccountId account(static_cast<std::int64_t>(chance_.below(accounts)) + 1);
    metering::Credits cost{static_cast<std::int64_t>(chance_.below(3)) * 500'000};
    JobId id(chance_.uuid4());
    bool affordable = expected_balance(account) >= cost.micros, accepted = false;
    bool survived = survives([&](sql::Tx& tx) {
      accepted = f_.queue().submit(tx, {id, account, "test", cost, "Work"}).has_value();
    });
    EXPECT_EQ(accepted, affordable);
    if (survived && accepted) jobs_[id] = {account, cost};
  }

  void claim() {
    auto running =
        std::count_if(jobs_.begin(), jobs_.end(), [](auto& j) { return j.second.state == State::processing; });
    auto waiting = std::count_if(jobs_.begin(), jobs_.end(), [](auto& j) { return j.second.state == State::pending; });
    auto wanted = static_cast<std::int64_t>(chance_.below(4)) + 1;
    std::vector<Claim> claims;
    bool survived = survives([&](sql::Tx& tx) {
      claims = f_.queue().claim(tx, {"w", lease, max_processing, static_cast<std::size_t>(wanted), {}});
    });
    auto room = static_cast<std::int64_t>(max_processing) - running;
    EXPECT_EQ(static_cast<std::int64_t>(claims.size()), std::max<std::int64_t>(0, std::min({room, wanted, waiting})));
    if (!survived) return;
    for (const auto& claim : claims) {
      Known& job = jobs_.at(claim.job.id);
      EXPECT_EQ(job.state, State::pending);
      EXPECT_GT(claim.attempt, job.attempt);
      job.state = State::processing;
      job.attempt = claim.attempt;
      job.lease_until = f_.clock().now() + lease;
      if (claims_.size() == most_claims) claims_.erase(claims_.begin());
      claims_.push_back(claim);
    }
  }

  // A worker's word about a claim, valid or not.
  template <class F, class Effect>
  void report(F f, Effect effect) {
    const Claim* claim = any_claim();
    if (!claim) return;
    bool valid = is_valid(*claim), accepted = false;
    bool survived = survives([&](sql::Tx& tx) { accepted = f(tx, *claim); });
    EXPECT_EQ(accepted, valid);
    if (survived && valid) effect(jobs_.at(claim->job.id));
  }
  void complete() {
    if (chance_.below(2) == 0) return complete_many();
    report([&](sql::Tx& tx, const Claim& c) { return f_.queue().complete(tx, c); },
           [](Known& job) { job.state = State::completed; });
  }
  // Up to six runs at once, each job once, valid claims and old ones.
  void complete_many() {
    std::map<JobId, const Claim*> chosen;
    for (int i = 0; i < 6; ++i)
      if (const Claim* claim = any_claim()) chosen[claim->job.id] = claim;
    std::vector<const Claim*> claims;
    std::vector<bool> valid, accepted;
    for (const auto& [id, claim] : chosen) {
      claims.push_back(claim);
      valid.push_back(is_valid(*claim));
    }
    bool survived = survives([&](sql::Tx& tx) { accepted = f_.queue().complete(tx, claims); });
    EXPECT_EQ(accepted, valid);
    for (std::size_t i = 0; survived && i < claims.size(); ++i)
      if (valid[i]) jobs_.at(claims[i]->job.id).state = State::completed;
  }
  void fail() {
    report([&](sql::Tx& tx, const Claim& c) { return f_.queue().fail(tx, c, Fault(Reason::undecodable_audio)); },
           [](Known& job) { job.state = State::failed; });
  }
  static void lose(Known& job) { job.state = ++job.lost_runs < Queue::max_lost_runs ? State::pending : State::failed; }
  void lose() {
    report([&](sql::Tx& tx, const Claim& c) { return f_.queue().lost(tx, c); }, [](Known& job) { lose(job); });
  }
  void give_back() {
    report([&](sql::Tx& tx, const Claim& c) { return f_.queue().give_back(tx, c); },
           [](Known& job) { job.state = State::pending; });
  }
  void beat() {
    report([&](sql::Tx& tx,
               const Claim& c) { return f_.queue().beat(tx, c, static_cast<int>(chance_.below(120)), lease); },
           [&](Known& job) { job.lease_until = f_.clock().now() + lease; });
  }

  void expire() {
    f_.clock().advance(std::chrono::seconds(chance_.below(20)));
    auto due = [&](const Known& job) { return job.state == State::processing && job.lease_until <= f_.clock().now(); };
    auto expected = std::count_if(jobs_.begin(), jobs_.end(), [&](auto& j) { return due(j.second); });
    std::size_t reclaimed = 0;
    bool survived = survives([&](sql::Tx& tx) { reclaimed = f_.queue().reclaim(tx); });
    EXPECT_EQ(static_cast<std::int64_t>(reclaimed), expected);
    if (survived)
      for (auto& [id, job] : jobs_)
        if (due(job)) lose(job);
  }

  void cancel() {
    auto job = any_job();
    if (job == jobs_.end()) return;
    bool open = is_open(job->second.state), accepted = false;
    bool survived =
        survives([&](sql::Tx& tx) { accepted = f_.queue().cancel(tx, job->second.account, job->first).has_value(); });
    EXPECT_EQ(accepted, open);
    if (survived && accepted) job->second.state = State::cancelled;
  }

  void retry() {
    auto job = any_job();
    if (job == jobs_.end()) return;
    bool ended = job->second.state == State::failed || job->second.state == State::cancelled, accepted = false;
    bool affordable = expected_balance(job->second.account) >= job->second.cost.micros;
    bool survived =
        survives([&](sql::Tx& tx) { accepted = f_.queue().retry(tx, job->second.account, job->first).has_value(); });
    EXPECT_EQ(accepted, ended && affordable);
    if (!survived || !accepted) return;
    job->second.state = State::pending;
    job->second.lost_runs = 0;
  }

  void remove() {
    auto job = any_job();
    if (job == jobs_.end()) return;
    bool accepted = false;
    bool survived = survives([&](sql::Tx& tx) { accepted = f_.queue().remove(tx, job->first).has_value(); });
    EXPECT_TRUE(accepted);
    if (!survived) return;
    if (job->second.state == State::completed) spent_[job->second.account.value()] += job->second.cost.micros;
    jobs_.erase(job);
  }

  Fixture& f_;
  TestRandom chance_;
  std::map<JobId, Known> jobs_;
  std::map<std::int64_t, std::int64_t> spent_;
  std::vector<Claim> claims_;
};

class QueueSimulation : public QueueTest {};

TEST_P(QueueSimulation, agrees_with_the_model_whatever_happens) {
  auto seed = static_cast<std::uint64_t>(from_environment("TOLL_SIM_SEED", 20250101));
  auto steps = from_environment("TOLL_SIM_OPS", GetParam() == sql::Engine::sqlite ? 6000 : 1500);
  SCOPED_TRACE("TOLL_SIM_SEED=" + std::to_string(seed));
  // One connection: with more, the rows of a transaction that was undone may be locked for another moment, and skipped.
  Fixture fixture(GetParam(), {.writers = 1});
  Simulation simulation(fixture, seed);
  // A check reads all that was ever booked: at most 600 of them, or long runs would take the square of their steps.
  const auto between_checks = std::max<std::int64_t>(100, steps / 600);
  for (std::int64_t i = 0; i < steps && !HasFailure(); ++i) {
    simulation.step();
    if (i % between_checks == 0) simulation.check();
    EXPECT_FALSE(HasFailure()) << "at step " << i;
  }
  simulation.check();
}

// No model here: threads that get in each other's way, and the books afterwards.
TEST_P(QueueSimulation, keeps_its_promises_among_racing_threads) {
  auto seed = static_cast<std::uint64_t>(from_environment("TOLL_SIM_SEED", 7));
  auto steps = from_environment("TOLL_SIM_OPS", GetParam() == sql::Engine::sqlite ? 4000 : 1600) / 8;
  SCOPED_TRACE("TOLL_SIM_SEED=" + std::to_string(seed));
  for (std::int64_t i = 1; i <= accounts; ++i) fixture_.fund(AccountId(i), 30);
  std::vector<JobId> ids;
  for (int i = 0; i < 24; ++i) ids.push_back(fixture_.submit(AccountId(i % accounts + 1)).id);
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      TestRandom chance(seed * 100 + t);
      std::vector<Claim> mine;
      for (std::int64_t i = 0; i < steps; ++i) {
        auto deed = chance.below(9);
        auto index = chance.below(ids.size());
        AccountId owner(static_cast<std::int64_t>(index % accounts) + 1);
        std::vector<Claim> taken;
        fixture_.write([&](sql::Tx& tx) {
          Queue& queue = fixture_.queue();
          taken.clear();
          if (deed < 2) taken = queue.claim(tx, {"w", lease, max_processing, 3, {}});
          if (deed == 2) return queue.cancel(tx, owner, ids[index]).has_value();
          if (deed == 3 || deed == 4) return queue.retry(tx, owner, ids[index]).has_value();
          if (deed == 5) return queue.reclaim(tx, std::vector<std::string>{"nobody"}) > 0;
          if (mine.empty() || deed < 6) return true;
          const Claim& claim = mine[chance.below(mine.size())];
          if (deed == 6) return queue.complete(tx, claim);
          if (deed == 7) return queue.lost(tx, claim);
          return queue.fail(tx, claim, Fault(Reason::internal));
        });
        mine.insert(mine.end(), taken.begin(), taken.end());
        auto running = fixture_.write([&](sql::Tx& tx) { return fixture_.queue().depth(tx).processing; });
        EXPECT_LE(running, static_cast<std::int64_t>(max_processing));
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(fixture_.write([](sql::Tx& tx) { return broken_promises(tx); }), "");
}

TOLL_ON_EVERY_ENGINE(QueueSimulation);

}  // namespace
}  // namespace toll::jobs::testing
