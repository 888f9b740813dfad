// Durable jobs a second, from submit to complete, with empty work: each job has its hold, its row, its claim, its
// capture; each step is answered after a sync. Clients wait for the end of their job before they submit the next one.
//
//   jobs_bench [--clients 512] [--slots 256] [--seconds 10] [URL...]
//
// Without a URL: SQLite in a temporary folder. tests/bench/with_postgres.sh lends a durable PostgreSQL.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "engine/host.h"
#include "jobs/dispatcher.h"
#include "sql/migrations.h"

namespace {

using namespace toll;
using Steady = std::chrono::steady_clock;

struct Settings {
  std::size_t clients = 512;
  std::size_t slots = 256;
  int seconds = 10;
  std::vector<std::string> urls;
};

class EmptyEngine final : public engine::Engine {
 public:
  engine::Description describe() const override { return {"empty", "does nothing"}; }
  Result<engine::Output> run(const engine::Input&, engine::Progress&, std::stop_token) override {
    return engine::Output{};
  }
};

// Who waits for which job; told after the commit that completes it.
class Waiting {
 public:
  void add(const JobId& job, std::function<void()> then) {
    std::lock_guard lock(mutex_);
    waiting_[job] = std::move(then);
  }
  void complete(const JobId& job) {
    std::function<void()> then;
    {
      std::lock_guard lock(mutex_);
      auto found = waiting_.extract(job);
      if (!found.empty()) then = std::move(found.mapped());
    }
    if (then) then();
  }

 private:
  std::mutex mutex_;
  std::unordered_map<JobId, std::function<void()>> waiting_;
};

class EmptyRun final : public jobs::Run {
 public:
  explicit EmptyRun(Waiting& waiting) : waiting_(waiting) {}
  const engine::Task& task() const override { return task_; }
  Result<void> seal(const engine::Output&) override { return {}; }
  Result<void> commit(sql::Tx& tx, const jobs::Job& job) override {
    tx.after_commit([&waiting = waiting_, id = job.id] { waiting.complete(id); });
    return {};
  }

 private:
  Waiting& waiting_;
  engine::Task task_{"empty", {.params = "{}"}};
};

class EmptyKind final : public jobs::Kind {
 public:
  explicit EmptyKind(Waiting& waiting) : waiting_(waiting) {}
  std::string_view name() const override { return "empty"; }
  std::chrono::seconds timeout() const override { return std::chrono::seconds(60); }
  Result<std::unique_ptr<jobs::Run>> prepare(const jobs::Job&) override {
    return std::unique_ptr<jobs::Run>(std::make_unique<EmptyRun>(waiting_));
  }

 private:
  Waiting& waiting_;
};

struct Figures {
  double jobs_a_second = 0;
  double median_ms = 0, p99_ms = 0;
  double cpu_us_a_job = 0;  // of this process; a PostgreSQL server's own is not in it
};

// Submits, waits for the end, submits again. All clients run on the database's threads, by callbacks.
class Clients {
 public:
  Clients(sql::Database& db, jobs::Queue& queue, Waiting& waiting) : db_(db), queue_(queue), waiting_(waiting) {}

  void start(std::size_t count) {
    active_ = count;
    for (std::size_t i = 0; i < count; ++i) next(AccountId(static_cast<std::int64_t>(i) + 1));
  }
  std::int64_t completed() const { return completed_; }
  void stop_and_wait() {
    stopping_ = true;
    while (active_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::vector<double> take_latencies() {
    std::lock_guard lock(mutex_);
    return std::move(latencies_ms_);
  }

 private:
  void next(AccountId account) {
    if (stopping_) {
      --active_;
      return;
    }
    JobId id(random_.uuid4());
    auto begin = Steady::now();
    waiting_.add(id, [this, account, begin] { ended(account, begin); });
    db_.post_write(
        [this, id, account](sql::Tx& tx) {
          return queue_.submit(tx, {id, account, "empty", metering::whole_credits(1), "Empty job"}).has_value();
        },
        [](std::exception_ptr failed) {
          if (failed) std::rethrow_exception(failed);
        });
  }
  void ended(AccountId account, Steady::time_point begin) {
    ++completed_;
    {
      std::lock_guard lock(mutex_);
      latencies_ms_.push_back(std::chrono::duration<double, std::milli>(Steady::now() - begin).count());
    }
    next(account);
  }

  sql::Database& db_;
  jobs::Queue& queue_;
  Waiting& waiting_;
  SystemRandom random_;
  std::atomic<std::size_t> active_ = 0;
  std::atomic<std::int64_t> completed_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::vector<double> latencies_ms_;
};

double cpu_seconds() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  auto seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

Figures measure(const std::string& url, const Settings& settings) {
  auto db = sql::open({.url = url, .group_limit = settings.clients});
  SystemClock clock;
  sql::migrate(*db, clock.now());
  metering::Ledger ledger(clock);
  jobs::Queue queue(ledger, clock);
  db->write([&](sql::Tx& tx) {
    for (std::size_t i = 1; i <= settings.clients; ++i)
      ledger.grant(tx, AccountId(static_cast<std::int64_t>(i)), metering::whole_credits(1'000'000), "bench", "bench");
    return true;
  });
  Waiting waiting;
  EmptyKind kind(waiting);
  engine::Catalogue catalogue;
  catalogue.add(std::make_unique<EmptyEngine>());
  jobs::Dispatcher dispatcher(*db, queue, {&kind}, [&] { return engine::make_local_runner(catalogue); },
                              {.slots = settings.slots, .max_processing = settings.slots, .worker = "bench"});
  Clients clients(*db, queue, waiting);
  clients.start(settings.clients);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  (void)clients.take_latencies();
  auto before = clients.completed();
  auto begin = Steady::now();
  double cpu = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::seconds(settings.seconds));
  auto count = static_cast<double>(clients.completed() - before);
  double took = std::chrono::duration<double>(Steady::now() - begin).count();
  cpu = cpu_seconds() - cpu;
  auto latencies = clients.take_latencies();
  clients.stop_and_wait();
  dispatcher.stop();
  std::sort(latencies.begin(), latencies.end());
  if (latencies.empty()) return {};
  return {count / took, latencies[latencies.size() / 2], latencies[latencies.size() * 99 / 100], cpu / count * 1e6};
}

Settings settings_of(int count, char** arguments) {
  Settings settings;
  for (int i = 1; i < count; ++i) {
    std::string name = arguments[i];
    bool has_value = name.starts_with("--") && i + 1 < count;
    if (has_value && name == "--clients")
      settings.clients = std::strtoul(arguments[++i], nullptr, 10);
    else if (has_value && name == "--slots")
      settings.slots = std::strtoul(arguments[++i], nullptr, 10);
    else if (has_value && name == "--seconds")
      settings.seconds = std::atoi(arguments[++i]);
    else
      settings.urls.push_back(name);
  }
  return settings;
}

}  // namespace

int main(int count, char** arguments) {
  log::set_level("error");
  Settings settings = settings_of(count, arguments);
  std::string folder = (std::filesystem::temp_directory_path() / "jobs-bench-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return 1;
  if (settings.urls.empty()) settings.urls.push_back("sqlite://" + folder + "/jobs.db");
  fmt::print("{} clients, {} slots, {} s each\n", settings.clients, settings.slots, settings.seconds);
  fmt::print("{:<12} {:>10} {:>12} {:>12} {:>14}\n", "database", "jobs/s", "median ms", "p99 ms", "CPU-us a job");
  for (const auto& url : settings.urls) {
    auto figures = measure(url, settings);
    fmt::print("{:<12} {:>10.0f} {:>12.1f} {:>12.1f} {:>14.1f}\n", url.substr(0, url.find(':')), figures.jobs_a_second,
               figures.median_ms, figures.p99_ms, figures.cpu_us_a_job);
    std::fflush(stdout);
  }
  std::filesystem::remove_all(folder);
  return 0;
}
