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
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [claim, held] : held_) held->stop.request_stop();
  }
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

void Runner::withdrawn(const ExecutionId& execution) {
  std::lock_guard lock(mutex_);
  for (auto& [claim, held] : held_)
    if (claim.execution == execution) held->stop.request_stop();
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
    keeping_.notify_one();
  }
  bool ended = false;
  try {
    ended = ItemRun(context_, claim, std::move(*loaded), held->stop.get_token()).run();
  } catch (const std::exception& error) {
    log::error("workflow.item_failed",
               {{"execution", claim.execution.value()}, {"item", claim.ordinal}, {"cause", error.what()}});
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
    }
    const auto alarm = next_alarm();
    std::unique_lock lock(mutex_);
    const auto now = clock_.now();
    auto next = now + options_.poll;
    if (next_deadline_) next = std::min(next, *next_deadline_);
    if (alarm) next = std::min(next, *alarm);
    const auto least = Micros(std::chrono::milliseconds(1));
    keeping_.wait_for(lock, stop, std::max(next - now, least), [] { return false; });
  }
}

void Runner::keep() {
  ring();
  const auto now = clock_.now();
  bool overdue = false, renewal = false;
  {
    std::lock_guard lock(mutex_);
    overdue = next_deadline_ && *next_deadline_ <= now;
    renewal = !held_.empty() && next_renewal_ <= now;
    if (renewal) next_renewal_ = now + options_.renewal;
  }
  if (renewal) renew_leases();
  if (!overdue && !anything_new()) return;
  const auto next = db_.write([&](sql::Tx& tx) {
    work_.reclaim(tx);
    return work_.stop_overdue(tx);
  });
  std::lock_guard lock(mutex_);
  next_deadline_ = next;
}

// Whether there may be something that this process has not been told of.
bool Runner::anything_new() {
  const auto version = db_.version();
  if (version && seen_ == version) return false;
  seen_ = version;
  struct Seen {
    bool waiting = false, late = false;
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
    for (const auto& claim : mine)
      if (!work_.is_valid(tx, claim)) out.gone.push_back(claim);
    return out;
  });
  std::lock_guard lock(mutex_);
  for (const auto& claim : seen.gone)
    if (const auto found = held_.find(claim); found != held_.end()) found->second->stop.request_stop();
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
  std::lock_guard lock(mutex_);
  for (const auto& claim : lost)
    if (const auto found = held_.find(claim); found != held_.end()) found->second->stop.request_stop();
}

std::shared_ptr<void> Runner::alarm(Micros after, std::function<void()> then) {
  const auto time = clock_.now() + after;
  std::uint64_t number = 0;
  {
    std::lock_guard lock(alarms_mutex_);
    number = ++alarm_number_;
    alarms_[{time, number}] = std::move(then);
  }
  keeping_.notify_one();
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
