// The durable queue: who waits, who runs, and what each transition does to the money. README.md has the state diagram.
//
// Every member works inside the caller's transaction, so a job's row, its hold and whatever the caller adds (file rows,
// an audit row) commit together or not at all. What concerns other threads (new work, a run to be stopped) is told
// after the commit. Thread-safe; holds no state of the jobs itself.
//
// Order: round robin between accounts, first in first out within one.
// Money: submit and retry hold the cost, complete captures it, every other way out releases it; each exactly once. A
// job of cost 0 holds nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "jobs/job.h"
#include "metering/ledger.h"
#include "sql/database.h"

namespace toll::jobs {

struct NewJob {
  JobId id;  // a fresh UUID
  AccountId account;
  std::string kind;
  metering::Credits cost;   // not negative
  std::string description;  // what the ledger says about it
};

struct ListJobs {
  std::optional<AccountId> account;    // none: of all accounts
  std::optional<State> status;         // none: of all states
  std::optional<std::int64_t> before;  // jobs with a smaller sequence only
  std::size_t limit = 50;
  std::optional<std::string> kind = std::nullopt;  // none: of all kinds
};

struct ClaimJobs {
  std::string worker;                      // who runs them, see worker.h
  Micros lease{std::chrono::seconds(15)};  // without a beat for so long the run counts as lost
  std::size_t max_processing = 2;          // over all servers on this database
  std::size_t limit = 1;                   // jobs wanted
  std::vector<std::string> kinds;          // which ones can be run here; empty: any
};

struct Depth {
  std::int64_t pending = 0;
  std::int64_t processing = 0;
};

// Told after the commit, on a database thread: must be quick and must not throw.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void work_added() = 0;                                       // something may be claimed
  virtual void withdrawn(const JobId& job, std::int64_t attempt) = 0;  // stop runs of the job up to this attempt
};

class Queue {
 public:
  // Called in the transaction in which a job of its kind fails for good, after its hold was released; may submit and
  // remove jobs. Must not throw.
  using Failed = std::function<void(sql::Tx& tx, const Job& job, const Fault& fault)>;

  // Runs whose worker died, after which a job has failed.
  static constexpr int max_lost_runs = 3;

  Queue(metering::Ledger& ledger, const Clock& clock);

  // Before anybody works on the queue.
  void when_failed(std::string kind, Failed then) { when_failed_[std::move(kind)] = std::move(then); }

  // --- for those who want work done ---

  // A new pending job. Faults: what Ledger::hold gives (insufficient_credits). Throws ConstraintViolation on a used id.
  Result<Job> submit(sql::Tx& tx, const NewJob& job);

  std::optional<Job> find(sql::Tx& tx, const JobId& id) const;
  // A foreign job is absent.
  std::optional<Job> find(sql::Tx& tx, AccountId account, const JobId& id) const;
  // Newest first.
  std::vector<Job> list(sql::Tx& tx, const ListJobs& which) const;
  // Jobs of the account, of any state.
  std::int64_t count(sql::Tx& tx, AccountId account) const;
  Depth depth(sql::Tx& tx) const;

  // pending, processing -> cancelled; the hold is released and a run is told to stop. Faults: job_not_found (foreign
  // too), job_not_cancellable {status}. Of two parallel calls one succeeds.
  Result<Job> cancel(sql::Tx& tx, AccountId account, const JobId& id);
  // The same for any account: for administrators.
  Result<Job> cancel(sql::Tx& tx, const JobId& id);

  // failed, cancelled -> pending with a new hold; progress, times, failure and lost runs start anew, created_at stays.
  // Faults: job_not_found (foreign too), job_not_retryable {status}, insufficient_credits.
  Result<Job> retry(sql::Tx& tx, AccountId account, const JobId& id);

  // Deletes the row, in any state; an open hold is released, a run is told to stop. Faults: job_not_found (foreign
  // too).
  Result<void> remove(sql::Tx& tx, AccountId account, const JobId& id);
  Result<void> remove(sql::Tx& tx, const JobId& id);

  // --- for those who do it ---

  // pending -> processing for up to `limit` jobs, in the order of the queue, as far as max_processing allows.
  std::vector<Claim> claim(sql::Tx& tx, const ClaimJobs& wanted);

  // Each of these answers false and changes nothing when the claim is void.

  // Renews the lease and raises the progress (cut to 0..99; it never falls).
  [[nodiscard]] bool beat(sql::Tx& tx, const Claim& claim, int progress, Micros lease);
  // processing -> completed; captures.
  [[nodiscard]] bool complete(sql::Tx& tx, const Claim& claim);
  // The same for many, each of another run, in few statements; an answer for each.
  [[nodiscard]] std::vector<bool> complete(sql::Tx& tx, std::span<const Claim* const> claims);
  // processing -> failed; releases. Reason and arguments are kept, the cause is not.
  [[nodiscard]] bool fail(sql::Tx& tx, const Claim& claim, const Fault& fault);
  // The worker died: processing -> pending, or, at the third time, failed with worker_lost and the hold released.
  [[nodiscard]] bool lost(sql::Tx& tx, const Claim& claim);
  // The worker stops in good order: processing -> pending, nothing counted.
  [[nodiscard]] bool give_back(sql::Tx& tx, const Claim& claim);

  // lost() for every run whose lease is over, and for every run of these workers, known to be dead. How many there
  // were.
  std::size_t reclaim(sql::Tx& tx, std::span<const std::string> dead_workers = {});
  // The workers that hold a job now.
  std::vector<std::string> workers(sql::Tx& tx) const;
  // Whether a claim would find something to do; cheap.
  bool has_pending(sql::Tx& tx) const;
  // Whether a lease is over.
  bool has_expired(sql::Tx& tx) const;

  // One listener, for as long as the handle lives; a later one replaces it.
  [[nodiscard]] std::shared_ptr<void> listen(Listener& listener);

 private:
  class Signals;
  struct Stored;

  // The row, locked until the transaction ends; absent for another account. claimed(): only while the claim is valid.
  std::optional<Stored> locked(sql::Tx& tx, std::optional<AccountId> account, const JobId& id) const;
  std::optional<Stored> claimed(sql::Tx& tx, const Claim& claim) const;
  Result<Job> cancel_any(sql::Tx& tx, std::optional<AccountId> account, const JobId& id);
  Result<void> remove_any(sql::Tx& tx, std::optional<AccountId> account, const JobId& id);
  Result<std::optional<HoldId>> hold(sql::Tx& tx, const Job& job);
  std::int64_t insert(sql::Tx& tx, const Job& job, std::optional<HoldId> held) const;
  void release(sql::Tx& tx, const Stored& stored);
  void end_failed(sql::Tx& tx, const Stored& stored, const Fault& fault);
  void lose(sql::Tx& tx, const Stored& stored);
  void return_to_queue(sql::Tx& tx, const Stored& stored, int lost_runs);
  void tell_work_added(sql::Tx& tx);
  void tell_withdrawn(sql::Tx& tx, const Stored& stored);

  metering::Ledger& ledger_;
  const Clock& clock_;
  std::shared_ptr<Signals> signals_;
  std::map<std::string, Failed, std::less<>> when_failed_;
};

}  // namespace toll::jobs
