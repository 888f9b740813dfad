// The runner: takes items from the queue and runs them, on threads of this process.
//
// Workers hold a lease on each item (30 s, renewed every 10 s). What a dead process held waits again when the lease is
// over, or at once if the process is known to be gone; steps that had finished are not run again. One more thread keeps
// leases, deadlines and timeouts. Without work nothing runs but one look a second at whether anybody has committed
// anything (sql::Database::version; on PostgreSQL a query).
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "blob/store.h"
#include "sql/database.h"
#include "workflows/executions.h"
#include "workflows/item_run.h"
#include "workflows/signals.h"
#include "workflows/work.h"

namespace toll::workflows {

// Thread-safe. All references must outlive it.
class Runner final : private Listener {
 public:
  struct Options {
    std::size_t workers = 4;
    std::size_t steps_at_once = 4;  // of one item
    std::string worker;             // this process, as jobs/worker.h names it
    Micros lease = std::chrono::seconds(30);
    Micros renewal = std::chrono::seconds(10);
    Micros poll = std::chrono::seconds(1);
    Micros look = std::chrono::seconds(10);  // at leases and deadlines, even if nothing has changed
  };
  Runner(sql::Database& db, Executions& executions, Signals& signals, const Work& work, blob::Store& store,
         const Clock& clock, Random& random, Options options);
  ~Runner();  // stop()

  // Takes up what a dead process left, then works on its own threads until stop().
  void start();
  // Takes nothing more, tells what runs to stop, gives it back to the queue. Idempotent.
  void stop();

  // Items that run in this process now.
  std::size_t running() const;

  // For tests: one item on the calling thread, if one waits; and one round of keeping.
  bool run_one();
  void keep();

 private:
  struct Held {
    Claim claim;
    std::stop_source stop;
  };
  void work_added() override;
  void withdrawn(const ExecutionId& execution) override;

  void worker_loop(std::stop_token stop);
  void keeper_loop(std::stop_token stop);
  void run(const Claim& claim);
  void take_over();
  void renew_leases();
  void request_stops();
  void stop_overdue(const ExecutionId& id, const std::string& error);
  void stop_claims(const std::vector<Claim>& claims);
  bool anything_new();
  void nudge();
  std::shared_ptr<void> alarm(Micros after, std::function<void()> then);
  void ring();
  std::optional<Time> next_alarm() const;

  sql::Database& db_;
  Signals& signals_;
  const Work& work_;
  const Clock& clock_;
  const Options options_;
  const RunContext context_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_, keeping_;
  std::uint64_t added_ = 0;  // grows with every word of new work
  std::map<Claim, std::shared_ptr<Held>> held_;
  std::optional<Time> next_deadline_, next_due_;
  Time next_renewal_{};
  bool stopping_ = false;
  std::optional<sql::Version> seen_;
  Time next_look_{};
  bool nudged_ = false;
  std::vector<ExecutionId> withdrawn_;  // whose items are to be stopped, by the keeper

  mutable std::mutex alarms_mutex_;  // held while an alarm rings
  std::map<std::pair<Time, std::uint64_t>, std::function<void()>> alarms_;
  std::uint64_t alarm_number_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace toll::workflows
