#include "jobs/dispatcher.h"

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "jobs/tests/support.h"
#include "jobs/worker.h"

namespace toll::jobs::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock;

// What the runs of a test do, step by step; a test replaces the step it is about.
struct Script {
  std::function<Result<engine::Output>(engine::Progress&, std::stop_token)> run = [](auto&, auto) {
    return engine::Output{};
  };
  std::function<Result<void>()> prepare = [] { return Result<void>(); };
  std::function<Result<void>()> seal = [] { return Result<void>(); };
  std::function<Result<void>(sql::Tx&, const Job&)> commit = [](sql::Tx& tx, const Job& job) -> Result<void> {
    tx.exec("INSERT INTO made (job) VALUES ($1)", job.id);
    return {};
  };
  std::chrono::seconds timeout{60};
  std::atomic<int> runs = 0, alive = 0;
};

class ScriptedRun final : public Run {
 public:
  explicit ScriptedRun(Script& script) : script_(script) { ++script_.alive; }
  ~ScriptedRun() override { --script_.alive; }
  const engine::Task& task() const override { return task_; }
  Result<void> seal(const engine::Output&) override { return script_.seal(); }
  Result<void> commit(sql::Tx& tx, const Job& job) override { return script_.commit(tx, job); }

 private:
  Script& script_;
  engine::Task task_{"scripted", {}};
};

class ScriptedKind final : public Kind {
 public:
  explicit ScriptedKind(Script& script) : script_(script) {}
  std::string_view name() const override { return "test"; }
  std::chrono::seconds timeout() const override { return script_.timeout; }
  void started(sql::Tx& tx, const Job& job) override { tx.exec("INSERT INTO started (job) VALUES ($1)", job.id); }
  Result<std::unique_ptr<Run>> prepare(const Job&) override {
    if (auto prepared = script_.prepare(); !prepared) return prepared.error();
    return std::unique_ptr<Run>(std::make_unique<ScriptedRun>(script_));
  }

 private:
  Script& script_;
};

class ScriptedRunner final : public engine::Runner {
 public:
  explicit ScriptedRunner(Script& script) : script_(script) {}
  Result<engine::Output> run(const engine::Task&, engine::Progress& progress, std::stop_token stop) override {
    ++script_.runs;
    return script_.run(progress, std::move(stop));
  }

 private:
  Script& script_;
};

Result<engine::Output> until_stopped(engine::Progress& progress, std::stop_token stop) {
  progress.report(0.42);
  while (!stop.stop_requested()) std::this_thread::sleep_for(milliseconds(2));
  return Reason::cancelled;
}

class JobDispatcher : public QueueTest {
 protected:
  void SetUp() override {
    fixture_.fund(alice_, 100);
    fixture_.write([](sql::Tx& tx) {
      tx.exec("CREATE TABLE made (job TEXT NOT NULL)");
      return tx.exec("CREATE TABLE started (job TEXT NOT NULL)");
    });
  }
  void TearDown() override {
    dispatcher_.reset();
    EXPECT_EQ(script_.alive, 0);
    EXPECT_EQ(fixture_.write([](sql::Tx& tx) { return broken_promises(tx); }), "");
  }

  static DispatcherOptions quick(std::size_t slots = 2) {
    return {.slots = slots,
            .max_processing = slots,
            .worker = "this test",
            .beat = milliseconds(50),
            .poll = milliseconds(50),
            .lease = seconds(15)};
  }
  std::unique_ptr<Dispatcher> dispatcher(DispatcherOptions options = quick()) {
    return std::make_unique<Dispatcher>(
        fixture_.db(), fixture_.queue(), std::vector<Kind*>{&kind_},
        [this] { return std::make_unique<ScriptedRunner>(script_); }, std::move(options));
  }
  void start() { dispatcher_ = dispatcher(); }

  static bool eventually(const std::function<bool()>& true_now, milliseconds limit = seconds(10)) {
    for (auto until = Steady::now() + limit; Steady::now() < until; std::this_thread::sleep_for(milliseconds(5)))
      if (true_now()) return true;
    return true_now();
  }
  State state(const Job& job) { return fixture_.find(job.id).value().state; }
  bool becomes(const Job& job, State wanted, milliseconds limit = seconds(10)) {
    return eventually([&] { return state(job) == wanted; }, limit);
  }
  std::int64_t rows(const char* table) {
    return fixture_.write(
        [&](sql::Tx& tx) { return tx.one(std::string("SELECT count(*) FROM ") + table)->integer(0); });
  }
  void expect_failed(const Job& job, Reason reason) {
    ASSERT_TRUE(becomes(job, State::failed));
    EXPECT_EQ(fixture_.find(job.id)->failure->reason(), reason);
    EXPECT_EQ(fixture_.balance(alice_), metering::whole_credits(100));
    EXPECT_EQ(rows("made"), 0);
  }

  Script script_;
  ScriptedKind kind_{script_};
  std::unique_ptr<Dispatcher> dispatcher_;
};

TEST_P(JobDispatcher, completes_jobs_together_with_what_they_made) {
  start();
  std::vector<Job> jobs;
  for (int i = 0; i < 10; ++i) jobs.push_back(fixture_.submit());
  for (const Job& job : jobs) EXPECT_TRUE(becomes(job, State::completed));
  EXPECT_EQ(rows("made"), 10);
  EXPECT_EQ(rows("started"), 10);
  EXPECT_EQ(script_.runs, 10);
  EXPECT_EQ(fixture_.balance(alice_), metering::whole_credits(90));
}

TEST_P(JobDispatcher, starts_new_work_at_once) {
  auto options = quick();
  options.poll = seconds(30);
  dispatcher_ = dispatcher(options);
  std::this_thread::sleep_for(milliseconds(100));
  Job job = fixture_.submit();
  EXPECT_TRUE(becomes(job, State::completed, seconds(5)));
}

TEST_P(JobDispatcher, finds_what_other_processes_submit) {
  start();
  std::this_thread::sleep_for(milliseconds(100));
  Queue elsewhere(fixture_.ledger(), fixture_.clock());
  JobId id(fixture_.random().uuid4());
  auto job = fixture_.write([&](sql::Tx& tx) {
    return elsewhere.submit(tx, {id, alice_, "test", one_credit, "Work"});
  });
  EXPECT_TRUE(becomes(*job, State::completed));
}

TEST_P(JobDispatcher, leaves_alone_what_it_cannot_run) {
  start();
  Job other = fixture_.submit(alice_, one_credit, "another kind"), job = fixture_.submit();
  EXPECT_TRUE(becomes(job, State::completed));
  EXPECT_EQ(state(other), State::pending);
}

TEST_P(JobDispatcher, fails_a_job_with_the_engines_reason) {
  script_.run = [](auto&, auto) -> Result<engine::Output> { return Fault(Reason::audio_too_long).with("limit", "60"); };
  start();
  Job job = fixture_.submit();
  expect_failed(job, Reason::audio_too_long);
  EXPECT_EQ(fixture_.find(job.id)->failure->argument("limit"), "60");
}

TEST_P(JobDispatcher, fails_a_job_at_whichever_step_breaks) {
  auto throws = []() -> Result<void> { throw std::runtime_error("broken on purpose"); };
  auto refuses = []() -> Result<void> { return Reason::storage_full; };
  const Script usual;
  const std::pair<std::function<void()>, Reason> steps[]{
      {[&] { script_.prepare = throws; }, Reason::internal},
      {[&] { script_.prepare = refuses; }, Reason::storage_full},
      {[&] { script_.run = [](auto&, auto) -> Result<engine::Output> { throw std::runtime_error("x"); }; },
       Reason::internal},
      {[&] { script_.run = [](auto&, auto) -> Result<engine::Output> { return Reason::cancelled; }; },
       Reason::internal},
      {[&] { script_.seal = throws; }, Reason::internal},
      {[&] { script_.seal = refuses; }, Reason::storage_full},
      {[&] { script_.commit = [](sql::Tx&, const Job&) -> Result<void> { return Reason::storage_full; }; },
       Reason::storage_full},
      {[&] {
         script_.commit = [&usual](sql::Tx& tx, const Job& job) -> Result<void> {
           (void)usual.commit(tx, job);
           throw std::runtime_error("after the row");
         };
       },
       Reason::internal}};
  for (const auto& [change, reason] : steps) {
    script_.prepare = usual.prepare, script_.run = usual.run, script_.seal = usual.seal, script_.commit = usual.commit;
    change();
    start();
    expect_failed(fixture_.submit(), reason);
    dispatcher_.reset();
  }
}

// Who is hurt: everybody whose run ended in the same moment as one that cannot be committed.
TEST_P(JobDispatcher, commits_the_others_when_one_of_many_ends_cannot_be) {
  std::atomic<bool> go_on = false;
  script_.run = [&](auto&, auto) -> Result<engine::Output> {
    while (!go_on) std::this_thread::sleep_for(milliseconds(1));
    return engine::Output{};
  };
  const Job bad = fixture_.submit(), worse = fixture_.submit();
  const auto usual = script_.commit;
  script_.commit = [&](sql::Tx& tx, const Job& job) -> Result<void> {
    if (job.id == bad.id) return Reason::storage_full;
    if (auto made = usual(tx, job); !made) return made;
    if (job.id == worse.id) throw std::runtime_error("after the row");
    return {};
  };
  std::vector<Job> good;
  for (int i = 0; i < 20; ++i) good.push_back(fixture_.submit());
  dispatcher_ = dispatcher(quick(22));
  ASSERT_TRUE(eventually([&] { return script_.runs == 22; }));
  go_on = true;
  for (const Job& job : good) EXPECT_TRUE(becomes(job, State::completed));
  EXPECT_TRUE(becomes(bad, State::failed));
  EXPECT_TRUE(becomes(worse, State::failed));
  EXPECT_EQ(fixture_.find(bad.id)->failure->reason(), Reason::storage_full);
  EXPECT_EQ(fixture_.find(worse.id)->failure->reason(), Reason::internal);
  EXPECT_EQ(rows("made"), 20);
  EXPECT_EQ(fixture_.balance(alice_), metering::whole_credits(80));
}

// A database that is away: every write ends as one whose server is gone does.
class AwayDatabase final : public sql::Database {
 public:
  explicit AwayDatabase(sql::Database& real) : real_(real) {}
  sql::Engine engine() const override { return real_.engine(); }
  void post_read(Body body, Done done) override { real_.post_read(std::move(body), std::move(done)); }
  void post_write(Body body, Done done) override {
    if (throws) throw std::bad_alloc();
    if (!away) return real_.post_write(std::move(body), std::move(done));
    ++refused;
    done(std::make_exception_ptr(sql::Error("the server closed the connection")));
  }
  bool reads_are_cheap() const override { return real_.reads_are_cheap(); }
  void read_here(const Body& body, Statements statements) override { real_.read_here(body, statements); }
  void close() override {}

  std::atomic<bool> away = false, throws = false;
  std::atomic<int> refused = 0;

 private:
  sql::Database& real_;
};

// Who is hurt: whoever stops a server whose database is away, with many runs at their end.
TEST_P(JobDispatcher, does_not_wait_for_an_absent_database_once_for_each_end_when_it_stops) {
  AwayDatabase db(fixture_.db());
  script_.run = [](auto&, std::stop_token stop) -> Result<engine::Output> {
    while (!stop.stop_requested()) std::this_thread::sleep_for(milliseconds(1));
    return engine::Output{};
  };
  std::vector<Job> jobs;
  for (int i = 0; i < 12; ++i) jobs.push_back(fixture_.submit());
  auto options = quick(12);
  options.beat = options.poll = seconds(3600);
  dispatcher_ = std::make_unique<Dispatcher>(
      db, fixture_.queue(), std::vector<Kind*>{&kind_}, [this] { return std::make_unique<ScriptedRunner>(script_); },
      options);
  ASSERT_TRUE(eventually([&] { return script_.runs == 12; }));
  db.away = true;
  dispatcher_->stop();
  EXPECT_LE(db.refused, 24) << "twice for each end, though each came alone; once for each of twenty tries were 240";
  for (const auto& job : jobs) EXPECT_EQ(state(job), State::processing) << "its lease decides";
  dispatcher_.reset();
}

// Who is hurt: every job that comes after a moment without memory.
TEST_P(JobDispatcher, goes_on_after_a_call_for_work_that_could_not_be_made) {
  AwayDatabase db(fixture_.db());
  db.throws = true;
  dispatcher_ = std::make_unique<Dispatcher>(
      db, fixture_.queue(), std::vector<Kind*>{&kind_}, [this] { return std::make_unique<ScriptedRunner>(script_); },
      quick());
  const Job job = fixture_.submit();
  db.throws = false;
  EXPECT_TRUE(becomes(job, State::completed));
  dispatcher_.reset();
}

TEST_P(JobDispatcher, gives_a_job_three_workers_and_no_more) {
  script_.run = [](auto&, auto) -> Result<engine::Output> { return Fault(Reason::worker_lost).because("signal 11"); };
  start();
  expect_failed(fixture_.submit(), Reason::worker_lost);
  EXPECT_EQ(script_.runs, 3);
}

TEST_P(JobDispatcher, survives_one_lost_worker) {
  script_.run = [this](auto&, auto) -> Result<engine::Output> {
    if (script_.runs == 1) return Reason::worker_lost;
    return engine::Output{};
  };
  start();
  Job job = fixture_.submit();
  EXPECT_TRUE(becomes(job, State::completed));
  EXPECT_EQ(fixture_.find(job.id)->lost_runs, 1);
  EXPECT_EQ(fixture_.balance(alice_), metering::whole_credits(99));
}

TEST_P(JobDispatcher, writes_progress_down_while_it_runs) {
  script_.run = until_stopped;
  start();
  Job job = fixture_.submit();
  EXPECT_TRUE(eventually([&] { return fixture_.find(job.id)->progress == 42; }));
}

TEST_P(JobDispatcher, keeps_its_lease_while_it_runs) {
  script_.run = until_stopped;
  start();
  Job job = fixture_.submit();
  ASSERT_TRUE(becomes(job, State::processing));
  for (int i = 0; i < 10; ++i) {
    fixture_.clock().advance(seconds(10));
    std::this_thread::sleep_for(milliseconds(150));
  }
  EXPECT_EQ(state(job), State::processing);
  EXPECT_EQ(script_.runs, 1);
}

TEST_P(JobDispatcher, stops_a_cancelled_run_at_once) {
  script_.run = until_stopped;
  auto options = quick();
  options.beat = options.poll = seconds(30);
  dispatcher_ = dispatcher(options);
  Job job = fixture_.submit();
  ASSERT_TRUE(eventually([&] { return script_.runs == 1; }));
  ASSERT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().cancel(tx, alice_, job.id); }));
  EXPECT_EQ(fixture_.balance(alice_), metering::whole_credits(100));
  EXPECT_TRUE(eventually([&] { return dispatcher_->running() == 0; }, seconds(2)));
  EXPECT_EQ(state(job), State::cancelled);
  EXPECT_EQ(script_.alive, 0);
}

TEST_P(JobDispatcher, stops_the_run_of_a_removed_job) {
  script_.run = until_stopped;
  start();
  Job job = fixture_.submit();
  ASSERT_TRUE(eventually([&] { return script_.runs == 1; }));
  ASSERT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().remove(tx, job.id); }));
  EXPECT_TRUE(eventually([&] { return dispatcher_->running() == 0; }, seconds(2)));
}

TEST_P(JobDispatcher, hears_of_a_cancel_in_another_process) {
  script_.run = until_stopped;
  start();
  Job job = fixture_.submit();
  ASSERT_TRUE(eventually([&] { return script_.runs == 1; }));
  Queue elsewhere(fixture_.ledger(), fixture_.clock());
  ASSERT_TRUE(fixture_.write([&](sql::Tx& tx) { return elsewhere.cancel(tx, alice_, job.id); }));
  EXPECT_TRUE(eventually([&] { return dispatcher_->running() == 0; }, seconds(2)));
}

// Who is hurt: whoever cancels in the last moment and gets both the credit and the stems, or neither.
TEST_P(JobDispatcher, commits_nothing_of_a_job_cancelled_before_its_end) {
  std::atomic<bool> sealing = false, go_on = false;
  script_.seal = [&]() -> Result<void> {
    sealing = true;
    while (!go_on) std::this_thread::sleep_for(milliseconds(1));
    return {};
  };
  start();
  Job job = fixture_.submit();
  ASSERT_TRUE(eventually([&] { return sealing.load(); }));
  ASSERT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().cancel(tx, alice_, job.id); }));
  go_on = true;
  EXPECT_TRUE(eventually([&] { return dispatcher_->running() == 0; }));
  EXPECT_EQ(state(job), State::cancelled);
  EXPECT_EQ(rows("made"), 0);
}

TEST_P(JobDispatcher, ends_a_run_that_takes_too_long) {
  script_.run = until_stopped;
  script_.timeout = seconds(0);
  start();
  expect_failed(fixture_.submit(), Reason::job_timed_out);
}

TEST_P(JobDispatcher, returns_its_work_when_it_stops_and_another_goes_on) {
  script_.run = until_stopped;
  start();
  Job job = fixture_.submit();
  ASSERT_TRUE(eventually([&] { return script_.runs == 1; }));
  dispatcher_->stop();
  EXPECT_EQ(state(job), State::pending);
  EXPECT_EQ(fixture_.find(job.id)->lost_runs, 0);
  EXPECT_EQ(fixture_.held(alice_), one_credit);
  script_.run = [](auto&, auto) { return engine::Output{}; };
  start();
  EXPECT_TRUE(becomes(job, State::completed));
}

TEST_P(JobDispatcher, takes_over_from_a_dead_process_at_once) {
  SystemRandom random;
  std::string name = this_worker(random);
  auto nonce = name.rfind('/'), begun = name.rfind('/', nonce - 1);
  Job job = fixture_.submit();
  // This pid with another start time: a process that is no more.
  ASSERT_EQ(fixture_.claim(1, 9, name.substr(0, begun) + "/1/x").size(), 1u);
  start();
  EXPECT_TRUE(becomes(job, State::completed, seconds(5)));
  EXPECT_EQ(fixture_.find(job.id)->lost_runs, 1);
}

TEST_P(JobDispatcher, takes_over_from_a_silent_one_when_its_lease_is_over) {
  Job job = fixture_.submit();
  ASSERT_EQ(fixture_.claim(1, 9, "elsewhere").size(), 1u);
  start();
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_EQ(state(job), State::processing);
  fixture_.clock().advance(seconds(16));
  EXPECT_TRUE(becomes(job, State::completed));
}

TEST_P(JobDispatcher, shares_the_house_limit_with_other_dispatchers) {
  std::atomic<int> now = 0, most = 0;
  script_.run = [&](auto&, auto) -> Result<engine::Output> {
    int running = ++now;
    for (int seen = most; seen < running && !most.compare_exchange_weak(seen, running);) {
    }
    std::this_thread::sleep_for(milliseconds(5));
    --now;
    return engine::Output{};
  };
  auto options = quick(4);
  options.max_processing = 3;
  auto first = dispatcher(options);
  Queue elsewhere(fixture_.ledger(), fixture_.clock());
  Dispatcher second(
      fixture_.db(), elsewhere, {&kind_}, [this] { return std::make_unique<ScriptedRunner>(script_); }, options);
  std::vector<Job> jobs;
  for (int i = 0; i < 30; ++i) jobs.push_back(fixture_.submit());
  for (const Job& job : jobs) EXPECT_TRUE(becomes(job, State::completed));
  EXPECT_LE(most, 3);
  EXPECT_EQ(rows("made"), 30);
}

TOLL_ON_EVERY_ENGINE(JobDispatcher);

}  // namespace
}  // namespace toll::jobs::testing
