#include "workflows/runner.h"

#include <algorithm>

#include "base/log.h"
#include "jobs/worker.h"

namespace toll::workflows {

Runner::Runner(sql::Database& db, Executions& executions, Signals& signals, const Work& work, blob::Store& store,
               const Clock& clock, Random& random, Options options)
    : db_(db),
      signals_(signals),
      work_(work),
      clock_(clock),
      options_(std::move(options)),
      context_{db,
               work,
               executions.definitions(),
               store,
               clock,
               random,
               [this](Micros after, std::function<void()> then) { return alarm(after, std::move(then)); },
               options_.steps_at_once} {}

Runner::~Runner() {
  stop();
}

void Runner::start() {
  take_over();
  signals_.listen(this);
  for (std::size_t i = 0; i < options_.workers; ++i)
    threads_.emplace_back([this](std::stop_token stop) { worker_loop(std::move(stop)); });
  threads_.emplace_back([this](std::stop_token stop) { keeper_loop(std::move(stop)); });
}

void Runner::stop() {
  signals_.listen(nullptr);
  std::vector<std::shared_ptr<Held>> stopped;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [claim, held] : held_) stopped.push_back(held);
  }
  for (const auto& held : stopped) held->stop.request_stop();
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

std::size_t Runner::running() const {
  std::lock_guard lock(mutex_);
  return held_.size();
}

void Runner::work_added() {
  std::lock_guard lock(mutex_);
  ++added_;
  changed_.notify_one();
}

// Stopping runs what a step has tied to its token, which may want the database: not on its thread.
void Runner::withdrawn(const ExecutionId& execution) {
  {
    std::lock_guard lock(mutex_);
    const auto ours = [&](const auto& entry) { return entry.first.execution == execution; };
    if (std::ranges::none_of(held_, ours)) return;
    withdrawn_.push_back(execution);
  }
  nudge();
}

void Runner::request_stops() {
  std::vector<std::shared_ptr<Held>> stopped;
  {
    std::lock_guard lock(mutex_);
    for (auto& [claim, held] : held_)
      if (std::ranges::find(withdrawn_, claim.execution) != withdrawn_.end()) stopped.push_back(held);
    withdrawn_.clear();
  }
  for (const auto& held : stopped) held->stop.request_stop();
}

void Runner::nudge() {
  {
    std::lock_guard lock(mutex_);
    nudged_ = true;
  }
  keeping_.notify_one();
}

void Runner::worker_loop(std::stop_token stop) {
  std::uint64_t looked = 0;
  bool first = true;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!first && !changed_.wait(lock, stop, [&] { return added_ != looked; })) return;
      looked = added_;
      first = false;
    }
    try {
      while (!stop.stop_requested() && run_one()) {
      }
    } catch (const std::exception& error) {
      log::error("workflow.worker_failed", {{"cause", error.what()}});
      // Whatever it was, the database may need a moment.
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
      first = true;
    }
  }
}

bool Runner::run_one() {
  if (!db_.read([&](sql::Tx& tx) { return work_.waiting(tx); })) return false;
  const auto claims = db_.write([&](sql::Tx& tx) { return work_.claim(tx, options_.worker, options_.lease); });
  if (claims.empty()) return false;
  {
    // There may be more for another worker.
    std::lock_guard lock(mutex_);
    ++added_;
    changed_.notify_one();
  }
  for (const auto& claim : claims) run(claim);
  return true;
}

void Runner::run(const Claim& claim) {
  auto held = std::make_shared<Held>(Held{claim, {}});
  {
    std::lock_guard lock(mutex_);
    held_[claim] = held;
    if (stopping_) held->stop.request_stop();
    if (held_.size() == 1) next_renewal_ = clock_.now() + options_.renewal;
  }
  const std::shared_ptr<void> out(nullptr, [&](void*) {
    std::lock_guard lock(mutex_);
    held_.erase(claim);
  });
  auto loaded = db_.read([&](sql::Tx& tx) { return work_.load(tx, claim); });
  if (!loaded) return;
  {
    std::lock_guard lock(mutex_);
    if (!next_deadline_ || loaded->deadline < *next_deadline_) next_deadline_ = loaded->deadline;
  }
  nudge();
  bool ended = false;
  try {
    ended = ItemRun(context_, claim, std::move(*loaded), held->stop.get_token()).run();
  } catch (const std::exception& error) {
    log::error("workflow.item_failed",
               {{"execution", claim.execution.value()}, {"item", claim.ordinal}, {"cause", error.what()}});
    // Not at once again: its lease ends, and counts as a loss.
    ended = true;
  }
  if (!ended)
    (void)db_.write([&](sql::Tx& tx) {
      work_.give_back(tx, claim);
      return true;
    });
}

void Runner::take_over() {
  (void)db_.write([&](sql::Tx& tx) {
    std::vector<std::string> dead;
    for (auto& worker : work_.workers(tx))
      if (jobs::surely_dead(worker)) dead.push_back(std::move(worker));
    return work_.reclaim(tx, dead);
  });
}

void Runner::keeper_loop(std::stop_token stop) {
  while (!stop.stop_requested()) {
    try {
      keep();
    } catch (const std::exception& error) {
      log::error("workflow.keeper_failed", {{"cause", error.what()}});
      // What could not be done is tried again at the next look, not at once.
      std::lock_guard lock(mutex_);
      if (next_deadline_) next_deadline_ = std::max(*next_deadline_, clock_.now() + options_.poll);
    }
    const auto alarm = next_alarm();
    std::unique_lock lock(mutex_);
    const auto now = clock_.now();
    auto next = now + options_.poll;
    if (next_deadline_) next = std::min(next, *next_deadline_);
    if (next_due_) next = std::min(next, *next_due_);
    if (alarm) next = std::min(next, *alarm);
    const auto least = Micros(std::chrono::milliseconds(1));
    keeping_.wait_for(lock, stop, std::max(next - now, least), [&] { return nudged_; });
    nudged_ = false;
  }
}

void Runner::keep() {
  request_stops();
  ring();
  const auto now = clock_.now();
  bool overdue = false, renewal = false;
  {
    std::lock_guard lock(mutex_);
    overdue = next_deadline_ && *next_deadline_ <= now;
    if (next_due_ && *next_due_ <= now) {
      next_due_.reset();
      next_look_ = {};
      ++added_;
      changed_.notify_one();
    }
    renewal = !held_.empty() && next_renewal_ <= now;
    if (renewal) next_renewal_ = now + options_.renewal;
  }
  if (renewal) renew_leases();
  if (!overdue && !anything_new()) return;
  (void)db_.write([&](sql::Tx& tx) { return work_.reclaim(tx); });
  for (const auto& [id, error] : db_.read([&](sql::Tx& tx) { return work_.overdue(tx); })) stop_overdue(id, error);
  request_stops();
  const auto next = db_.read([&](sql::Tx& tx) { return work_.next_deadline(tx); });
  std::lock_guard lock(mutex_);
  // One that is still late could not be ended: at the next look.
  next_deadline_ = next && *next <= now ? std::optional(now + options_.poll) : next;
}

// Each in a transaction of its own: one that cannot be ended is not to keep the others running.
void Runner::stop_overdue(const ExecutionId& id, const std::string& error) {
  try {
    if (db_.write([&](sql::Tx& tx) { return work_.stop_overdue(tx, id, error); })) withdrawn(id);
  } catch (const std::exception& failure) {
    log::error("workflow.stop_failed", {{"execution", id.value()}, {"cause", failure.what()}});
  }
}

// Whether there may be something that this process has not been told of.
bool Runner::anything_new() {
  const auto version = db_.version();
  // Time alone makes leases late.
  if (version && seen_ == version && clock_.now() < next_look_) return false;
  struct Seen {
    bool waiting = false, late = false;
    std::optional<Time> due, deadline;
    std::vector<Claim> gone;
  };
  std::vector<Claim> mine;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [claim, held] : held_) mine.push_back(claim);
  }
  const auto now = clock_.now();
  const auto seen = db_.read([&](sql::Tx& tx) {
    Seen out;
    out.waiting = work_.waiting(tx);
    out.late = work_.anything_late(tx, now);
    out.due = work_.next_due(tx);
    out.deadline = work_.next_deadline(tx);
    for (const auto& claim : mine)
      if (!work_.is_valid(tx, claim)) out.gone.push_back(claim);
    return out;
  });
  stop_claims(seen.gone);
  seen_ = version;
  next_look_ = now + options_.look;
  std::lock_guard lock(mutex_);
  next_due_ = seen.due;
  next_deadline_ = seen.deadline;
  if (seen.waiting) {
    ++added_;
    changed_.notify_one();
  }
  return seen.late;
}

void Runner::renew_leases() {
  std::vector<Claim> claims;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [claim, held] : held_) claims.push_back(claim);
  }
  const auto lost = db_.write([&](sql::Tx& tx) { return work_.renew(tx, claims, options_.lease); });
  stop_claims(lost);
}

void Runner::stop_claims(const std::vector<Claim>& claims) {
  std::vector<std::shared_ptr<Held>> stopped;
  {
    std::lock_guard lock(mutex_);
    for (const auto& claim : claims)
      if (const auto found = held_.find(claim); found != held_.end()) stopped.push_back(found->second);
  }
  for (const auto& held : stopped) held->stop.request_stop();
}

std::shared_ptr<void> Runner::alarm(Micros after, std::function<void()> then) {
  const auto time = clock_.now() + after;
  std::uint64_t number = 0;
  {
    std::lock_guard lock(alarms_mutex_);
    number = ++alarm_number_;
    alarms_[{time, number}] = std::move(then);
  }
  nudge();
  return std::shared_ptr<void>(this, [this, time, number](void*) {
    std::lock_guard lock(alarms_mutex_);
    alarms_.erase({time, number});
  });
}

void Runner::ring() {
  std::lock_guard lock(alarms_mutex_);
  while (!alarms_.empty() && alarms_.begin()->first.first <= clock_.now()) {
    const auto then = std::move(alarms_.begin()->second);
    alarms_.erase(alarms_.begin());
    then();
  }
}

std::optional<Time> Runner::next_alarm() const {
  std::lock_guard lock(alarms_mutex_);
  if (alarms_.empty()) return std::nullopt;
  return alarms_.begin()->first.first;
}

}  // namespace toll::workflows
