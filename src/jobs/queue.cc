#include "jobs/queue.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <stdexcept>
#include <utility>

#include "base/text.h"

namespace toll::jobs {

namespace {

#define TOLL_JOB_COLUMNS                                                                                              \
  "jobs.id, jobs.sequence, jobs.account_id, jobs.kind, jobs.description, jobs.state, jobs.progress, jobs.lost_runs, " \
  "jobs.cost, jobs.created_at, jobs.started_at, jobs.completed_at, jobs.failure, jobs.failure_arguments, "            \
  "jobs.attempt, jobs.hold_id, jobs.turn"

// Where a job of account $1 joins the queue: behind its account's own waiting jobs, one turn each, but never before the
// turn that is being served.
#define TOLL_JOB_TURN                                                                       \
  "COALESCE((SELECT max(turn) + 1 FROM jobs WHERE account_id = $1 AND state = 'pending'), " \
  "(SELECT min(turn) FROM jobs WHERE state = 'pending'), 0)"

// The end is never before the beginning, whatever the clock did.
#define TOLL_JOB_END(now) "completed_at = CASE WHEN created_at > " now " THEN created_at ELSE " now " END"

#define TOLL_JOB_NO_LEASE "worker = NULL, lease_until = NULL"

// What keeps two servers from claiming the last free place together. Any number will do, as long as nobody else uses
// it.
constexpr std::int64_t claim_lock = 0x746f6c6c6a6f6273;  // "tolljobs"

std::string encode_arguments(const Fault& fault) {
  std::string out;
  for (const auto& [name, value] : fault.arguments())
    out += (out.empty() ? "" : "&") + percent_encode(name) + "=" + percent_encode(value);
  return out;
}

Fault decode_failure(std::string_view code, std::string_view arguments) {
  Fault fault(reason_from_code(code));
  while (!arguments.empty()) {
    auto pair = arguments.substr(0, arguments.find('&'));
    arguments.remove_prefix(std::min(arguments.size(), pair.size() + 1));
    auto equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    std::move(fault).with(percent_decode(pair.substr(0, equals)).value_or(""),
                          percent_decode(pair.substr(equals + 1)).value_or(""));
  }
  return fault;
}

Job job_of(const sql::Row& row) {
  auto state = state_from(row.text(5));
  if (!state) throw sql::Error("unknown state of a job: " + row.text(5));
  Job job{.id = JobId(row.text(0)),
          .sequence = row.integer(1),
          .account = AccountId(row.integer(2)),
          .kind = row.text(3),
          .description = row.text(4),
          .state = *state,
          .progress = static_cast<int>(row.integer(6)),
          .lost_runs = static_cast<int>(row.integer(7)),
          .cost = {row.integer(8)},
          .created_at = row.time(9),
          .started_at = row.maybe_time(10),
          .completed_at = row.maybe_time(11),
          .failure = std::nullopt};
  if (auto code = row.maybe_text(12)) job.failure = decode_failure(*code, row.maybe_text(13).value_or(""));
  return job;
}

std::vector<Job> jobs_of(const std::vector<sql::Row>& rows) {
  std::vector<Job> jobs;
  jobs.reserve(rows.size());
  for (const auto& row : rows) jobs.push_back(job_of(row));
  return jobs;
}

std::string refund_text(const std::string& description) {
  return "Refund: " + description;
}

void append_number(std::string& list, std::int64_t number) {
  if (!list.empty()) list += ',';
  list += std::to_string(number);
}

std::string_view row_lock(const sql::Tx& tx) {
  return tx.engine() == sql::Engine::postgres ? " FOR UPDATE" : "";
}

#define TOLL_JOB_COMPLETED(now) "state = 'completed', progress = 100, " TOLL_JOB_NO_LEASE ", " TOLL_JOB_END(now)

// In SQLite a statement costs no journey, and one that finds its row by the row's number is the quickest there is. The
// id is asked for because SQLite gives the number of a removed last row again.
std::vector<bool> mark_completed_one_by_one(sql::Tx& tx, std::span<const Claim* const> claims, Time now) {
  std::vector<bool> ours;
  for (const Claim* claim : claims)
    ours.push_back(
        tx.exec("UPDATE jobs SET " TOLL_JOB_COMPLETED("$1") " WHERE sequence = $2 AND id = $3 AND attempt = $4 "
                                                            "AND state = 'processing'",
                now, claim->job.sequence, claim->job.id, claim->attempt) == 1);
  return ours;
}

std::vector<bool> mark_completed_at_once(sql::Tx& tx, std::span<const Claim* const> claims, Time now) {
  std::string sequences, attempts;
  for (const Claim* claim : claims) {
    append_number(sequences, claim->job.sequence);
    append_number(attempts, claim->attempt);
  }
  // A job that was lost and claimed again may stand here twice.
  std::set<std::pair<std::int64_t, std::int64_t>> changed;
  for (const auto& row :
       tx.query("UPDATE jobs SET " TOLL_JOB_COMPLETED(
                    "$1") " FROM unnest(CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[])) AS claim (job, run) "
                          "WHERE sequence = claim.job AND attempt = claim.run AND state = 'processing' "
                          "RETURNING sequence, attempt",
                now, "{" + sequences + "}", "{" + attempts + "}"))
    changed.emplace(row.integer(0), row.integer(1));
  std::vector<bool> ours;
  for (const Claim* claim : claims) ours.push_back(changed.contains({claim->job.sequence, claim->attempt}));
  return ours;
}

}  // namespace

struct Queue::Stored {
  Job job;
  std::int64_t attempt = 0;
  std::optional<HoldId> hold;

  static Stored of(const sql::Row& row) {
    auto hold = row.maybe_integer(15);
    return {job_of(row), row.integer(14), hold ? std::optional(HoldId(*hold)) : std::nullopt};
  }
};

// Outlives the queue and its listener: hooks may run after both are gone.
class Queue::Signals {
 public:
  void set(Listener* listener) {
    std::lock_guard lock(mutex_);
    listener_ = listener;
  }
  void clear(const void* listener) {
    std::lock_guard lock(mutex_);
    if (listener_ == listener) listener_ = nullptr;
  }
  void work_added() {
    std::lock_guard lock(mutex_);
    if (listener_) listener_->work_added();
  }
  void withdrawn(const JobId& job, std::int64_t attempt) {
    std::lock_guard lock(mutex_);
    if (listener_) listener_->withdrawn(job, attempt);
  }

 private:
  std::mutex mutex_;
  Listener* listener_ = nullptr;
};

Queue::Queue(metering::Ledger& ledger, const Clock& clock)
    : ledger_(ledger), clock_(clock), signals_(std::make_shared<Signals>()) {}

// --- for those who want work done ---

Result<Job> Queue::submit(sql::Tx& tx, const NewJob& wanted) {
  Job job{.id = wanted.id,
          .account = wanted.account,
          .kind = wanted.kind,
          .description = wanted.description,
          .cost = wanted.cost,
          .created_at = clock_.now()};
  auto held = TOLL_TRY(hold(tx, job));
  job.sequence = insert(tx, job, held);
  tell_work_added(tx);
  return job;
}

// RETURNING makes SQLite open a table of its own for the answer, which costs more than asking for the number.
std::int64_t Queue::insert(sql::Tx& tx, const Job& job, std::optional<HoldId> held) const {
#define TOLL_NEW_JOB                                                                              \
  "INSERT INTO jobs (account_id, id, kind, description, cost, hold_id, created_at, state, turn) " \
  "VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', " TOLL_JOB_TURN ")"
  const bool sqlite = tx.engine() == sql::Engine::sqlite;
  const auto row = tx.one(sqlite ? TOLL_NEW_JOB : TOLL_NEW_JOB " RETURNING sequence", job.account, job.id, job.kind,
                          job.description, job.cost.micros, held, job.created_at);
  return (sqlite ? tx.one("SELECT last_insert_rowid()") : row).value().integer(0);
}

std::optional<Job> Queue::find(sql::Tx& tx, const JobId& id) const {
  auto row = tx.one("SELECT " TOLL_JOB_COLUMNS " FROM jobs WHERE id = $1", id);
  return row ? std::optional(job_of(*row)) : std::nullopt;
}

std::optional<Job> Queue::find(sql::Tx& tx, AccountId account, const JobId& id) const {
  auto job = find(tx, id);
  return job && job->account == account ? job : std::nullopt;
}

std::vector<Job> Queue::list(sql::Tx& tx, const ListJobs& which) const {
  std::vector<sql::Value> values;
  auto place = [&values](sql::Value value) {
    values.push_back(value);
    return "$" + std::to_string(values.size());
  };
  std::string query = "SELECT " TOLL_JOB_COLUMNS " FROM jobs WHERE 1 = 1";
  if (which.account) query += " AND account_id = " + place(*which.account);
  if (which.status) query += " AND state = " + place(to_string(*which.status));
  if (which.kind) query += " AND kind = " + place(*which.kind);
  if (which.before) query += " AND sequence < " + place(*which.before);
  query += " ORDER BY sequence DESC LIMIT " + place(which.limit);
  return jobs_of(tx.query_with(query, values));
}

std::int64_t Queue::count(sql::Tx& tx, AccountId account) const {
  return tx.one("SELECT count(*) FROM jobs WHERE account_id = $1", account).value().integer(0);
}

Depth Queue::depth(sql::Tx& tx) const {
  return {tx.one("SELECT count(*) FROM jobs WHERE state = 'pending'").value().integer(0),
          tx.one("SELECT count(*) FROM jobs WHERE state = 'processing'").value().integer(0)};
}

Result<Job> Queue::cancel(sql::Tx& tx, AccountId account, const JobId& id) {
  return cancel_any(tx, account, id);
}
Result<Job> Queue::cancel(sql::Tx& tx, const JobId& id) {
  return cancel_any(tx, std::nullopt, id);
}

Result<Job> Queue::cancel_any(sql::Tx& tx, std::optional<AccountId> account, const JobId& id) {
  auto stored = locked(tx, account, id);
  if (!stored) return Reason::job_not_found;
  if (!is_open(stored->job.state))
    return Fault(Reason::job_not_cancellable).with("status", std::string(to_string(stored->job.state)));
  auto row = tx.one("UPDATE jobs SET state = 'cancelled', " TOLL_JOB_NO_LEASE
                    ", " TOLL_JOB_END("$2") " WHERE id = $1 RETURNING " TOLL_JOB_COLUMNS,
                    id, clock_.now());
  release(tx, *stored);
  tell_withdrawn(tx, *stored);
  return job_of(row.value());
}

Result<Job> Queue::retry(sql::Tx& tx, AccountId account, const JobId& id) {
  auto stored = locked(tx, account, id);
  if (!stored) return Reason::job_not_found;
  if (stored->job.state != State::failed && stored->job.state != State::cancelled)
    return Fault(Reason::job_not_retryable).with("status", std::string(to_string(stored->job.state)));
  auto held = TOLL_TRY(hold(tx, stored->job));
  auto row = tx.one(
      "UPDATE jobs SET state = 'pending', progress = 0, lost_runs = 0, started_at = NULL, completed_at = NULL, "
      "failure = NULL, failure_arguments = NULL, hold_id = $3, turn = " TOLL_JOB_TURN
      " WHERE id = $2 RETURNING " TOLL_JOB_COLUMNS,
      account, id, held);
  tell_work_added(tx);
  return job_of(row.value());
}

Result<void> Queue::remove(sql::Tx& tx, AccountId account, const JobId& id) {
  return remove_any(tx, account, id);
}
Result<void> Queue::remove(sql::Tx& tx, const JobId& id) {
  return remove_any(tx, std::nullopt, id);
}

Result<void> Queue::remove_any(sql::Tx& tx, std::optional<AccountId> account, const JobId& id) {
  auto stored = locked(tx, account, id);
  if (!stored) return Reason::job_not_found;
  tx.exec("DELETE FROM jobs WHERE id = $1", id);
  if (is_open(stored->job.state)) {
    release(tx, *stored);
    tell_withdrawn(tx, *stored);
  }
  return {};
}

// --- for those who do it ---

std::vector<Claim> Queue::claim(sql::Tx& tx, const ClaimJobs& wanted) {
  bool postgres = tx.engine() == sql::Engine::postgres;
  if (postgres) tx.query("SELECT pg_advisory_xact_lock($1)", claim_lock);
  auto running = tx.one("SELECT count(*) FROM jobs WHERE state = 'processing'").value().integer(0);
  auto room = static_cast<std::int64_t>(wanted.max_processing) - running;
  auto limit = std::min(room, static_cast<std::int64_t>(wanted.limit));
  if (limit <= 0) return {};

  auto now = clock_.now();
  std::vector<sql::Value> values{wanted.worker, now + wanted.lease, now, limit};
  std::string kinds;
  for (const auto& kind : wanted.kinds) {
    values.emplace_back(kind);
    kinds += (kinds.empty() ? " AND kind IN ($" : ", $") + std::to_string(values.size());
  }
  if (!kinds.empty()) kinds += ")";
  auto rows = tx.query_with(
      "WITH picked AS MATERIALIZED (SELECT sequence AS chosen FROM jobs WHERE state = 'pending'" + kinds +
          " ORDER BY turn, sequence LIMIT $4" + (postgres ? " FOR UPDATE SKIP LOCKED" : "") +
          ") UPDATE jobs SET state = 'processing', attempt = attempt + 1, worker = $1, lease_until = $2, started_at = "
          "CASE WHEN created_at > $3 THEN created_at ELSE $3 END, progress = 0 FROM picked WHERE sequence = chosen "
          "RETURNING " TOLL_JOB_COLUMNS,
      values);
  std::sort(rows.begin(), rows.end(), [](const sql::Row& a, const sql::Row& b) {
    return std::pair(a.integer(16), a.integer(1)) < std::pair(b.integer(16), b.integer(1));
  });
  std::vector<Claim> claims;
  claims.reserve(rows.size());
  for (const auto& row : rows) {
    auto stored = Stored::of(row);
    claims.push_back({std::move(stored.job), stored.attempt, stored.hold});
  }
  return claims;
}

bool Queue::beat(sql::Tx& tx, const Claim& claim, int progress, Micros lease) {
  return tx.exec(
             "UPDATE jobs SET lease_until = $3, progress = CASE WHEN $4 > progress THEN $4 ELSE progress END "
             "WHERE id = $1 AND attempt = $2 AND state = 'processing'",
             claim.job.id, claim.attempt, clock_.now() + lease, std::clamp(progress, 0, 99)) == 1;
}

bool Queue::complete(sql::Tx& tx, const Claim& claim) {
  const Claim* one[]{&claim};
  return complete(tx, one).front();
}

std::vector<bool> Queue::complete(sql::Tx& tx, std::span<const Claim* const> claims) {
  const auto ours = tx.engine() == sql::Engine::postgres ? mark_completed_at_once(tx, claims, clock_.now())
                                                         : mark_completed_one_by_one(tx, claims, clock_.now());
  // While a claim is valid the hold is the one that was open when it was made.
  std::vector<HoldId> holds;
  for (std::size_t i = 0; i < claims.size(); ++i)
    if (ours[i] && claims[i]->hold) holds.push_back(*claims[i]->hold);
  ledger_.capture(tx, holds);
  return ours;
}

bool Queue::fail(sql::Tx& tx, const Claim& claim, const Fault& fault) {
  auto stored = claimed(tx, claim);
  if (stored) end_failed(tx, *stored, fault);
  return stored.has_value();
}

bool Queue::lost(sql::Tx& tx, const Claim& claim) {
  auto stored = claimed(tx, claim);
  if (stored) lose(tx, *stored);
  return stored.has_value();
}

bool Queue::give_back(sql::Tx& tx, const Claim& claim) {
  auto stored = claimed(tx, claim);
  if (stored) return_to_queue(tx, *stored, stored->job.lost_runs);
  return stored.has_value();
}

std::size_t Queue::reclaim(sql::Tx& tx, std::span<const std::string> dead_workers) {
  std::string query = "SELECT " TOLL_JOB_COLUMNS " FROM jobs WHERE state = 'processing' AND (lease_until <= $1";
  std::vector<sql::Value> values{clock_.now()};
  for (const auto& worker : dead_workers) {
    values.emplace_back(worker);
    query += " OR worker = $" + std::to_string(values.size());
  }
  query += ")";
  if (tx.engine() == sql::Engine::postgres) query += " FOR UPDATE SKIP LOCKED";
  auto rows = tx.query_with(query, values);
  for (const auto& row : rows) lose(tx, Stored::of(row));
  return rows.size();
}

std::vector<std::string> Queue::workers(sql::Tx& tx) const {
  std::vector<std::string> names;
  for (const auto& row : tx.query("SELECT DISTINCT worker FROM jobs WHERE state = 'processing'"))
    names.push_back(row.text(0));
  return names;
}

bool Queue::has_pending(sql::Tx& tx) const {
  return tx.one("SELECT 1 FROM jobs WHERE state = 'pending' LIMIT 1").has_value();
}

bool Queue::has_expired(sql::Tx& tx) const {
  return tx.one("SELECT 1 FROM jobs WHERE state = 'processing' AND lease_until <= $1 LIMIT 1", clock_.now())
      .has_value();
}

std::shared_ptr<void> Queue::listen(Listener& listener) {
  signals_->set(&listener);
  return {static_cast<void*>(&listener), [signals = signals_](void* gone) { signals->clear(gone); }};
}

// --- what the transitions share ---

std::optional<Queue::Stored> Queue::locked(sql::Tx& tx, std::optional<AccountId> account, const JobId& id) const {
  auto row = tx.one(std::string("SELECT " TOLL_JOB_COLUMNS " FROM jobs WHERE id = $1") += row_lock(tx), id);
  if (!row) return std::nullopt;
  auto stored = Stored::of(*row);
  if (account && stored.job.account != *account) return std::nullopt;
  return stored;
}

std::optional<Queue::Stored> Queue::claimed(sql::Tx& tx, const Claim& claim) const {
  auto stored = locked(tx, std::nullopt, claim.job.id);
  bool ours = stored && stored->job.state == State::processing && stored->attempt == claim.attempt;
  return ours ? stored : std::nullopt;
}

Result<std::optional<HoldId>> Queue::hold(sql::Tx& tx, const Job& job) {
  if (job.cost.micros < 0) throw std::invalid_argument("a job of negative cost");
  if (job.cost.micros == 0) return std::optional<HoldId>();
  return std::optional(TOLL_TRY(ledger_.hold(tx, job.account, job.cost, job.description, job.id.value())));
}

void Queue::release(sql::Tx& tx, const Stored& stored) {
  if (stored.hold) ledger_.release(tx, *stored.hold, refund_text(stored.job.description));
}

void Queue::end_failed(sql::Tx& tx, const Stored& stored, const Fault& fault) {
  tx.exec("UPDATE jobs SET state = 'failed', failure = $3, failure_arguments = $4, " TOLL_JOB_NO_LEASE
          ", " TOLL_JOB_END("$2") " WHERE id = $1",
          stored.job.id, clock_.now(), fault.code(), encode_arguments(fault));
  release(tx, stored);
  if (const auto then = when_failed_.find(stored.job.kind); then != when_failed_.end())
    then->second(tx, stored.job, fault);
}

void Queue::lose(sql::Tx& tx, const Stored& stored) {
  int lost_runs = stored.job.lost_runs + 1;
  if (lost_runs < max_lost_runs) return return_to_queue(tx, stored, lost_runs);
  tx.exec("UPDATE jobs SET lost_runs = $2 WHERE id = $1", stored.job.id, lost_runs);
  end_failed(tx, stored, Fault(Reason::worker_lost));
}

// To the turn that is being served: it has waited its time before. Its sequence puts it before later jobs of that turn.
void Queue::return_to_queue(sql::Tx& tx, const Stored& stored, int lost_runs) {
  tx.exec("UPDATE jobs SET state = 'pending', progress = 0, lost_runs = $2, " TOLL_JOB_NO_LEASE
          ", turn = COALESCE((SELECT min(turn) FROM jobs WHERE state = 'pending'), turn) WHERE id = $1",
          stored.job.id, lost_runs);
  tell_work_added(tx);
}

void Queue::tell_work_added(sql::Tx& tx) {
  tx.after_commit([signals = signals_] { signals->work_added(); });
}

void Queue::tell_withdrawn(sql::Tx& tx, const Stored& stored) {
  if (stored.job.state != State::processing) return;
  tx.after_commit(
      [signals = signals_, id = stored.job.id, attempt = stored.attempt] { signals->withdrawn(id, attempt); });
}

}  // namespace toll::jobs
