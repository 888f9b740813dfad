// The dispatcher: takes jobs from the queue, runs them in engines, and commits what came out together with the job's
// end.
//
// The life of one run, and where a Kind has its say:
//   claim    one transaction: pending -> processing, Kind::started
//   prepare  Kind::prepare: opens the inputs, makes the outputs                             no transaction
//   run      the engine, in a worker process                                                no transaction
//   seal     Run::seal: makes the outputs durable (slow)                                    no transaction
//   commit   one transaction: processing -> completed, the hold captured, Run::commit
// A fault on the way (and an exception, as internal) fails the job and releases its hold; worker_lost puts it back, a
// few times. When the job was cancelled, removed or taken over meanwhile, the run is stopped, nothing is committed and
// the Run destroyed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/host.h"
#include "jobs/queue.h"

namespace toll::jobs {

// One run of one job. Owns its descriptors and temporary files; the destructor discards what was not committed.
// Used by one thread, except commit, which runs on a database thread while that one waits.
class Run {
 public:
  virtual ~Run() = default;
  virtual const engine::Task& task() const = 0;
  // The engine is done: make the outputs durable. Outside any transaction.
  virtual Result<void> seal(const engine::Output& output) = 0;
  // Make them visible, in the transaction that completes the job. May run more than once (see sql::Database::write). A
  // fault undoes the transaction and fails the job.
  virtual Result<void> commit(sql::Tx& tx, const Job& job) = 0;
};

// What the jobs with this name are. Thread-safe.
class Kind {
 public:
  virtual ~Kind() = default;
  virtual std::string_view name() const = 0;
  // From the claim to the end of the engine's run; then the job fails with job_timed_out.
  virtual std::chrono::seconds timeout() const = 0;
  // In the transaction that claims the job: for what the kind notes down at a start. Must not throw: nothing would be
  // claimed.
  virtual void started(sql::Tx&, const Job&) {}
  virtual Result<std::unique_ptr<Run>> prepare(const Job& job) = 0;
};

struct DispatcherOptions {
  std::size_t slots = 2;           // runs at a time in this process, each with its own engine runner
  std::size_t max_processing = 2;  // over all servers on the database
  std::string worker;              // see worker.h
  std::chrono::milliseconds beat{1000};
  std::chrono::milliseconds poll{1000};  // how often to look for what other processes submitted or lost
  std::chrono::milliseconds lease{15000};
};

// Starts working in the constructor. Thread-safe.
class Dispatcher {
 public:
  using MakeRunner = std::function<std::unique_ptr<engine::Runner>()>;

  // All references must outlive the dispatcher.
  Dispatcher(sql::Database& db, Queue& queue, std::vector<Kind*> kinds, MakeRunner make_runner,
             DispatcherOptions options);
  ~Dispatcher();  // stop()

  // Runs in this process now.
  std::size_t running() const;

  // Takes nothing more, tells the runs to stop, waits until each is back in the queue (which costs no attempt) or
  // complete, but not for a database that cannot be reached: then their leases run out. Idempotent.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace toll::jobs
