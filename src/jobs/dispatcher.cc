#include "jobs/dispatcher.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/log.h"
#include "jobs/endings.h"
#include "jobs/roster.h"
#include "jobs/worker.h"

namespace toll::jobs {

namespace {

using Entry = Roster::Entry;

// How long ends are tried to be written while the database says no, and how often once the dispatcher stops. Then the
// lease runs out, and the run counts as lost.
constexpr int write_tries = 20, write_tries_of_a_stop = 2;
constexpr std::chrono::milliseconds write_pause{500};

log::Field id_of(const Claim& claim) {
  return {"job", claim.job.id.value()};
}

// f: -> Result<T>; what it throws becomes internal.
template <class F>
auto guarded(F f) -> std::invoke_result_t<F> {
  try {
    return f();
  } catch (const std::exception& e) {
    return Fault(Reason::internal).because(e.what());
  } catch (...) {
    return Fault(Reason::internal).because("an exception of unknown type");
  }
}

std::string what_of(const std::exception_ptr& failed) {
  try {
    std::rethrow_exception(failed);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

Result<void> committed(sql::Tx& tx, const Ending& ending) {
  return ending.run->commit(tx, ending.entry->claim().job);
}

}  // namespace

class Dispatcher::Impl final : public Listener {
 public:
  Impl(sql::Database& db, Queue& queue, std::vector<Kind*> kinds, MakeRunner make_runner, DispatcherOptions options)
      : db_(db),
        queue_(queue),
        make_runner_(std::move(make_runner)),
        options_(std::move(options)),
        roster_(options_.slots) {
    for (Kind* kind : kinds) kinds_[std::string(kind->name())] = kind;
    listening_ = queue_.listen(*this);
    for (std::size_t i = 0; i < options_.slots; ++i) slots_.emplace_back([this] { work(); });
    finisher_ = std::jthread([this] { finish(); });
    keeper_ = std::jthread([this](std::stop_token stop) { keep(std::move(stop)); });
  }
  ~Impl() override { stop(); }

  std::size_t running() const { return roster_.entries().size(); }

  void stop() {
    std::lock_guard lock(stopping_);
    ending_.request_stop();
    roster_.close();
    for (auto& slot : slots_)
      if (slot.joinable()) slot.join();
    endings_.close();
    if (finisher_.joinable()) finisher_.join();
    // Last, because a run that takes its time to end needs its lease.
    keeper_.request_stop();
    if (keeper_.joinable()) keeper_.join();
    listening_.reset();
  }

  void work_added() override {
    roster_.ring();
    feed();
  }
  void withdrawn(const JobId& job, std::int64_t attempt) override { roster_.halt(job, attempt); }

 private:
  // --- from the queue to the slots, on whichever thread knows that there may be work ---

  void feed() {
    if (const auto limit = roster_.call()) claim(limit);
  }

  // A call is out. However it ends, the roster hears of it: who waits for its answer would wait for ever.
  void claim(std::size_t limit) {
    try {
      auto claims = std::make_shared<std::vector<Claim>>();
      db_.post_write(
          [this, claims, limit](sql::Tx& tx) {
            *claims = claimed(tx, limit);
            return true;
          },
          [this, claims](std::exception_ptr failed) { fed(std::move(*claims), std::move(failed)); });
    } catch (const std::exception& e) {
      log::error("jobs.claim_failed", {{"cause", e.what()}});
      roster_.call_failed();
    }
  }

  std::vector<Claim> claimed(sql::Tx& tx, std::size_t limit) {
    ClaimJobs wanted{options_.worker, options_.lease, options_.max_processing, limit, {}};
    for (const auto& [name, kind] : kinds_) wanted.kinds.push_back(name);
    auto claims = queue_.claim(tx, wanted);
    for (const auto& claim : claims) kind_of(claim).started(tx, claim.job);
    return claims;
  }

  // After a failure the keeper feeds again, not this: the database may be full or away.
  void fed(std::vector<Claim> claims, std::exception_ptr failed) {
    if (failed) {
      log::error("jobs.claim_failed", {{"cause", what_of(failed)}});
      return roster_.call_failed();
    }
    std::size_t limit = 0;
    try {
      limit = roster_.answer(entries_of(std::move(claims)));
    } catch (const std::exception& e) {
      // What was claimed is nobody's here: its lease runs out.
      log::error("jobs.claims_lost", {{"cause", e.what()}});
      return roster_.call_failed();
    }
    // With the end of the call the dispatcher may go: nothing of it is touched after that.
    if (limit > 0) claim(limit);
  }

  std::vector<Entry> entries_of(std::vector<Claim> claims) const {
    std::vector<Entry> entries;
    for (auto& claim : claims) {
      auto timeout = kind_of(claim).timeout();
      entries.push_back(std::make_shared<Attempt>(std::move(claim), timeout));
    }
    return entries;
  }

  Kind& kind_of(const Claim& claim) const { return *kinds_.at(claim.job.kind); }

  // --- a slot: one run after the other ---

  void work() {
    auto runner = make_runner_();
    while (Entry entry = roster_.take()) {
      try {
        carry_out(*runner, entry);
      } catch (const std::exception& e) {
        let_go(*entry, e.what());
        dropped(entry);
      }
    }
  }

  // Its end cannot be written, by lack of memory perhaps: the lease runs out.
  static void let_go(const Attempt& attempt, std::string_view cause) {
    log::error("jobs.end_not_written", {id_of(attempt.claim()), {"cause", cause}});
  }

  // Leaves a finished run to the finisher, and ends any other here: its temporary files go before its place is free.
  void carry_out(engine::Runner& runner, const Entry& entry) {
    std::unique_ptr<Run> run;
    auto outcome = guarded([&]() -> Result<void> {
      if (entry->halted() != Halt::none) return Reason::cancelled;
      run = TOLL_TRY(kind_of(entry->claim()).prepare(entry->claim().job));
      auto output = TOLL_TRY(runner.run(run->task(), *entry, entry->token()));
      if (entry->halted() > Halt::shutdown) return Reason::cancelled;
      return run->seal(output);
    });
    if (outcome) return endings_.add({entry, std::move(run)});
    unfinished(*entry, outcome.error());
    run.reset();
    dropped(entry);
  }

  void dropped(const Entry& entry) {
    roster_.drop({&entry, 1});
    feed();
  }

  // --- the finisher: commits what finished runs have made ---

  void finish() {
    for (auto ended = endings_.take(); !ended.empty(); ended = endings_.take()) {
      try {
        write_ends(ended);
      } catch (const std::exception& e) {
        for (const auto& ending : ended) let_go(*ending.entry, e.what());
      }
      for (auto& ending : ended) {
        ending.run.reset();
        roster_.drop({&ending.entry, 1});
      }
      ended.clear();
      feed();
    }
  }

  // All in one transaction; one by one when one of them cannot be committed. What the database did not take in all its
  // time it is not asked to take once more for each of them.
  void write_ends(std::span<const Ending> ended) {
    auto outcome = completed(ended);
    if (outcome) return;
    if (outcome.error().reason() == Reason::overloaded)
      for (const auto& ending : ended) let_go(*ending.entry, outcome.error().describe());
    else if (ended.size() == 1)
      unfinished(*ended.front().entry, outcome.error());
    else
      for (std::size_t i = 0; i < ended.size(); ++i) write_ends(ended.subspan(i, 1));
  }

  Result<void> completed(std::span<const Ending> ended) {
    std::vector<const Claim*> claims;
    for (const auto& ending : ended) claims.push_back(&ending.entry->claim());
    return persisted(*claims.front(), [&](sql::Tx& tx) -> Result<void> {
      const auto ours = queue_.complete(tx, claims);
      // A void claim is no fault: somebody else has ended the job meanwhile.
      for (std::size_t i = 0; i < ended.size(); ++i)
        if (ours[i]) TOLL_TRY(committed(tx, ended[i]));
      return {};
    });
  }

  void unfinished(const Attempt& attempt, Fault fault) {
    const Claim& claim = attempt.claim();
    if (attempt.halted() == Halt::withdrawn) return;
    bool stopped = fault.reason() == Reason::cancelled && attempt.halted() == Halt::shutdown;
    if (fault.reason() == Reason::cancelled && !stopped)
      fault = attempt.halted() == Halt::timed_out ? Fault(Reason::job_timed_out).because("out of the kind's time")
                                                  : Fault(Reason::internal).because("the engine stopped unasked");
    if (!stopped) log::warn("jobs.run_failed", {id_of(claim), {"fault", fault.describe()}});
    auto written = persisted(claim, [&](sql::Tx& tx) -> Result<void> {
      bool ours = stopped                                 ? queue_.give_back(tx, claim)
                  : fault.reason() == Reason::worker_lost ? queue_.lost(tx, claim)
                                                          : queue_.fail(tx, claim, fault);
      if (!ours) log::info("jobs.claim_void", {id_of(claim)});
      return {};
    });
    if (!written) log::error("jobs.end_not_written", {id_of(claim), {"cause", written.error().describe()}});
  }

  // Writes the end of a run. A database that cannot be reached or has too much to do gets time; then overloaded, and
  // the lease runs out.
  Result<void> persisted(const Claim& claim, const std::function<Result<void>(sql::Tx&)>& body) {
    for (int tries = 1;; ++tries) {
      std::string cause;
      try {
        auto result = db_.write(body);
        if (result || result.error().reason() != Reason::overloaded) return result;
        cause = result.error().describe();
      } catch (const sql::ConstraintViolation& e) {
        return Fault(Reason::internal).because(e.what());
      } catch (const sql::Error& e) {
        cause = e.what();
      } catch (const std::exception& e) {
        return Fault(Reason::internal).because(e.what());
      }
      log::error("jobs.write_failed", {id_of(claim), {"cause", cause}});
      if (tries >= write_tries || (ending_.stop_requested() && tries >= write_tries_of_a_stop))
        return Fault(Reason::overloaded).because(cause);
      pause();
    }
  }

  // A stop begins with the next try.
  void pause() {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, ending_.get_token(), write_pause, [this] { return ending_.stop_requested(); });
  }

  // --- the keeper: leases, progress, deadlines, and other people's dead workers ---

  void keep(std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any tick;
    std::unique_lock lock(mutex);
    auto next_beat = Attempt::Steady::now(), next_look = next_beat;
    while (!stop.stop_requested()) {
      auto now = Attempt::Steady::now();
      try {
        if (now >= next_beat) {
          next_beat = now + options_.beat;
          beat(now);
        }
        if (now >= next_look) {
          next_look = now + options_.poll;
          look_around();
        }
        feed();
      } catch (const std::exception& e) {
        log::error("jobs.keeper_failed", {{"cause", e.what()}});
      }
      tick.wait_until(lock, stop, std::min(next_beat, next_look), [] { return false; });
    }
  }

  // For what other processes have submitted or lost.
  void look_around() {
    reclaim();
    if (roster_.has_room() && db_.read([this](sql::Tx& tx) { return queue_.has_pending(tx); })) roster_.ring();
  }

  void beat(Attempt::Steady::time_point now) {
    auto entries = roster_.entries();
    // A fresh claim has its lease, and most runs that are short never need a beat.
    std::erase_if(entries, [&](const Entry& entry) { return now - entry->started() < options_.beat; });
    if (entries.empty()) return;
    for (const auto& entry : entries)
      if (entry->overdue(now)) entry->halt(Halt::timed_out);
    auto withdrawn = db_.write([&](sql::Tx& tx) {
      std::vector<Entry> gone;
      for (const auto& entry : entries)
        if (!queue_.beat(tx, entry->claim(), entry->percent(), options_.lease)) gone.push_back(entry);
      return gone;
    });
    // Cancelled or removed through another process, or taken over; or ended here a moment ago, where it is no harm.
    for (const auto& entry : withdrawn) entry->halt(Halt::withdrawn);
  }

  void reclaim() {
    struct Look {
      std::vector<std::string> workers;
      bool expired;
    };
    auto look = db_.read([this](sql::Tx& tx) { return Look{queue_.workers(tx), queue_.has_expired(tx)}; });
    std::erase_if(look.workers, [](const std::string& worker) { return !surely_dead(worker); });
    if (look.workers.empty() && !look.expired) return;
    auto lost = db_.write([&](sql::Tx& tx) { return queue_.reclaim(tx, look.workers); });
    log::warn("jobs.reclaimed", {{"runs", lost}});
  }

  sql::Database& db_;
  Queue& queue_;
  std::map<std::string, Kind*, std::less<>> kinds_;
  const MakeRunner make_runner_;
  const DispatcherOptions options_;
  Roster roster_;
  std::shared_ptr<void> listening_;
  std::mutex stopping_;
  std::stop_source ending_;
  Endings endings_;
  std::vector<std::jthread> slots_;
  std::jthread finisher_;
  std::jthread keeper_;
};

Dispatcher::Dispatcher(sql::Database& db, Queue& queue, std::vector<Kind*> kinds, MakeRunner make_runner,
                       DispatcherOptions options)
    : impl_(std::make_unique<Impl>(db, queue, std::move(kinds), std::move(make_runner), std::move(options))) {}
Dispatcher::~Dispatcher() = default;

std::size_t Dispatcher::running() const {
  return impl_->running();
}
void Dispatcher::stop() {
  impl_->stop();
}

}  // namespace toll::jobs
