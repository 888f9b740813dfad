// What usage costs: CPU time a record, flush and all, and a report over 90 days. No test: numbers depend on the
// machine.
//
//   usage_bench [--records N] [--keys N] [--calls-a-second N] [--days N] [--minutes N] [--database URL]
//
// The first part plays N records of some keys at a steady rate of simulated time and flushes every half second of it.
// The second fills 90 days of so many busy minutes a day and key, rolls them up and asks for reports.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "metering/usage.h"
#include "metering/usage/rollup.h"
#include "metering/usage_report.h"
#include "sql/migrations.h"

namespace {

using namespace toll;
using namespace toll::metering;
using namespace std::chrono_literals;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Plan {
  std::int64_t records = 1'000'000, keys = 1000, rate = 20'000, days = 90, minutes = 20;
  std::string database;
};

Plan plan_of(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--database") plan.database = argv[i + 1];
    auto* number = name == "--records"          ? &plan.records
                   : name == "--keys"           ? &plan.keys
                   : name == "--calls-a-second" ? &plan.rate
                   : name == "--days"           ? &plan.days
                   : name == "--minutes"        ? &plan.minutes
                                                : nullptr;
    if (number) *number = std::atoll(argv[i + 1]);
  }
  return plan;
}

constexpr std::array<std::string_view, 6> endpoints{"/tracks",    "/tracks/{track_id}", "/search",
                                                    "/playlists", "/recommendations",   "(unknown)"};

class Bench {
 public:
  Bench(sql::Database& db, Plan plan) : db_(db), plan_(plan) {
    TestRandom random(1);
    for (std::int64_t i = 0; i < plan_.keys; ++i) keys_.push_back(Subject::of_key(KeyId(random.uuid4())));
  }

  void record_and_flush() {
    UsageRecorder usage(db_, clock_, {.interval = 24h, .capacity = 1 << 20});
    const auto between = Micros(1'000'000 / plan_.rate);
    double recording = 0;
    const auto since = cpu_seconds();
    for (std::int64_t done = 0; done < plan_.records;) {
      const auto begin = cpu_seconds();
      for (auto left = plan_.rate / 2; left > 0 && done < plan_.records; --left, ++done) {
        usage.record(any_record(keys_[chance_() % keys_.size()]));
        clock_.advance(between);
      }
      recording += cpu_seconds() - begin;
      usage.flush();
    }
    const auto all = cpu_seconds() - since;
    const auto each = [&](double seconds) { return seconds * 1e6 / static_cast<double>(plan_.records); };
    fmt::print("{} records, {} keys, {} a second: {:.3f} CPU-us a record, of which record() and making it up {:.3f}\n",
               plan_.records, plan_.keys, plan_.rate, each(all), each(recording));
  }

  void fill_and_report() {
    {
      UsageRecorder usage(db_, clock_, {.interval = 24h, .capacity = 1 << 20});
      for (std::int64_t day = 0; day < plan_.days; ++day) {
        for (std::int64_t minute = 0; minute < plan_.minutes; ++minute) {
          for (const auto& key : keys_) usage.record(any_record(key));
          usage.flush();
          clock_.advance(Micros(24h) / plan_.minutes);
        }
      }
    }
    const auto before = std::chrono::steady_clock::now();
    roll_up(db_, clock_.now());
    const auto rolled = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    std::vector<double> millis;
    std::int64_t total = 0;
    for (int i = 0; i < 200; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      total = db_.read([&](sql::Tx& tx) {
        return usage_of(tx, keys_[chance_() % keys_.size()], clock_.now() - 24h * 90, clock_.now()).total;
      });
      millis.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    }
    std::ranges::sort(millis);
    fmt::print(
        "{} days, {} minute sums: rolled up in {:.1f} s; a report over 90 days ({} calls): median {:.2f} ms, p99 "
        "{:.2f} ms\n",
        plan_.days, plan_.days * plan_.minutes * plan_.keys, rolled, total, millis[100], millis[198]);
  }

 private:
  UsageRecord any_record(const Subject& key) {
    return {.account = AccountId(7),
            .subject = key,
            .endpoint = endpoints[chance_() % endpoints.size()],
            .status = chance_() % 20 == 0 ? 404 : 200,
            .charged = true,
            .duration = Micros(50 + chance_() % 400),
            .at = clock_.now(),
            .address = {}};
  }

  sql::Database& db_;
  const Plan plan_;
  TestClock clock_;
  std::mt19937 chance_{1};
  std::vector<Subject> keys_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto plan = plan_of(argc, argv);
  const auto folder = std::filesystem::temp_directory_path() / ("usage_bench." + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  {
    const auto db =
        sql::open({.url = plan.database.empty() ? "sqlite://" + (folder / "usage.db").string() : plan.database});
    sql::migrate(*db, SystemClock().now());
    Bench bench(*db, plan);
    bench.record_and_flush();
    if (plan.days > 0) bench.fill_and_report();
  }
  std::filesystem::remove_all(folder);
}
