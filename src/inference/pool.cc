#include "inference/pool.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "inference/batch.h"
#include "inference/memory_file.h"

namespace toll::inference {

namespace onnx = engines::onnx;

namespace {

// So long a call for another model than the one a slot holds lets later ones pass.
constexpr std::chrono::milliseconds most_overtaking{200};
constexpr std::size_t most_calls_a_run = 64;

class SilentProgress final : public engine::Progress {
 public:
  void report(double) override {}
};

Fault too_large(std::uint64_t limit) {
  return Fault(Reason::model_unusable).with("why", "its outputs are larger than " + std::to_string(limit) + " bytes");
}

// Whether the time of a run is gone for reasons that trying each call alone would meet again.
bool lost(Reason reason) {
  return reason == Reason::job_timed_out || reason == Reason::worker_lost || reason == Reason::cancelled;
}

}  // namespace

// Calls that share one run. They live until all of them have their result.
struct Pool::Shared {
  std::stop_source stop;
  std::vector<const Call*> calls;
};

struct Pool::Call {
  explicit Call(Run run_in) : run(std::move(run_in)), done(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!done) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  Run run;
  Steady::time_point since = Steady::now();
  bool taken = false;             // by a slot
  std::shared_ptr<Shared> group;  // once the slot runs it
  bool gone = false;              // nobody waits for it any more
  std::optional<Result<Ran>> result;
  engine::Fd done;
};

struct Pool::Slot {
  // Guarded by the pool's mutex:
  Group handed;  // for its thread to take
  bool busy = false;
  bool borrowed = false;           // by a caller's thread
  std::stop_source borrower_stop;  // of its run
  bool gathering = false;          // handed may grow
  std::string model;               // that its worker holds; empty: it has none
  Steady::time_point last_used = Steady::now();
  std::condition_variable changed;
  // Its thread's own, or of who borrowed it; only its thread starts a worker, which dies with the thread that did.
  std::unique_ptr<engine::Runner> runner;
  std::shared_ptr<const blob::Reader> file;
  std::jthread thread;
};

// --- the side of those who wait

Pool::Pool(Options options) : options_(std::move(options)) {
  for (std::size_t i = 0; i < options_.workers; ++i) slots_.push_back(std::make_unique<Slot>());
  for (auto& slot : slots_) slot->thread = std::jthread([this, one = slot.get()] { serve(*one); });
}

Pool::~Pool() {
  stop();
  for (auto& slot : slots_) slot->thread.join();
}

void Pool::stop() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  for (auto& call : waiting_) {
    call->result.emplace(Reason::shutting_down);
    ::eventfd_write(call->done.get(), 1);
  }
  waiting_.clear();
  for (auto& slot : slots_) {
    for (auto& call : slot->handed)
      if (call->group) call->group->stop.request_stop();
    if (slot->borrowed) slot->borrower_stop.request_stop();
    slot->changed.notify_all();
  }
}

// An idle worker that holds the run's model, unless that would be at the cost of anybody who waits. Handing the run to
// the slot's thread and the result back costs more than a small run itself.
Pool::Slot* Pool::borrow(const Run& run) {
  std::lock_guard lock(mutex_);
  const bool may_share = options_.batch > 1 && run.rows > 0;
  if (stopping_ || may_share || !waiting_.empty() || owes(run.account, Steady::now())) return nullptr;
  const auto found = std::ranges::find_if(slots_, [&](const auto& slot) {
    return !slot->busy && slot->model == run.model && slot->runner && slot->runner->warm();
  });
  if (found == slots_.end()) return nullptr;
  auto& slot = **found;
  slot.busy = slot.borrowed = true;
  slot.borrower_stop = std::stop_source();
  ++runs_of_[run.account];
  ++running_;
  return &slot;
}

void Pool::give_back(Slot& slot, AccountId account) {
  std::lock_guard lock(mutex_);
  no_longer_runs(account);
  --running_;
  slot.busy = slot.borrowed = false;
  slot.last_used = Steady::now();
  if (stopping_ || !waiting_.empty()) slot.changed.notify_all();
}

Result<Ran> Pool::run(Run run, int hangup) {
  if (auto* slot = borrow(run)) {
    auto done = attempt(*slot, {&run}, slot->borrower_stop.get_token(), hangup);
    give_back(*slot, run.account);
    if (!done) return std::move(done).error();
    return std::move(done->front());
  }
  auto call = std::make_shared<Call>(std::move(run));
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return Reason::shutting_down;
    waiting_.push_back(call);
    assign();
  }
  const auto until = call->since + options_.patience;
  pollfd sources[2] = {{call->done.get(), POLLIN, 0}, {hangup, POLLRDHUP, 0}};
  bool patient = true;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now());
    const int pause = patient ? static_cast<int>(std::max<std::int64_t>(left.count(), 0)) : -1;
    const int ready = ::poll(sources, hangup >= 0 ? 2 : 1, pause);
    if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    std::lock_guard lock(mutex_);
    if (call->result) return *std::move(call->result);
    const bool gone = ready > 0 && hangup >= 0 && sources[1].revents != 0;
    if (gone || (!call->taken && Steady::now() >= until)) {
      leave(*call);
      if (gone) return Reason::cancelled;
      return Fault(Reason::overloaded).retry_after(std::chrono::seconds(1));
    }
    if (call->taken) patient = false;
  }
}

// Nobody waits for this call any more: it is forgotten, or its run ends when the others of it are gone too.
void Pool::leave(Call& call) {
  call.gone = true;
  auto is_it = [&](const auto& other) { return other.get() == &call; };
  waiting_.remove_if(is_it);
  if (call.group) {
    const auto& calls = call.group->calls;
    if (std::ranges::all_of(calls, [](const Call* other) { return other->gone || other->result; }))
      call.group->stop.request_stop();
    return;
  }
  for (auto& slot : slots_) {
    if (std::erase_if(slot->handed, is_it) == 0) continue;
    no_longer_runs(call.run.account);
    slot->busy = !slot->handed.empty();
    slot->changed.notify_all();
  }
}

Pool::Counts Pool::counts() const {
  std::lock_guard lock(mutex_);
  Counts counts{.waiting = waiting_.size(), .running = running_, .warm = 0, .started = started_, .batched = batched_};
  for (const auto& slot : slots_) counts.warm += !slot->model.empty();
  return counts;
}

// --- who gets which slot

// Hands waiting calls to slots that have nothing to do, or that gather for the same model.
void Pool::assign() {
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    const auto slot =
        std::ranges::find_if(slots_, [&](const auto& one) { return one->gathering && fits(one->handed, **next); });
    const auto call = next++;
    if (slot == slots_.end()) continue;
    hand(**slot, *call);
    waiting_.erase(call);
  }
  for (;;) {
    const auto next = first_of_the_least_served();
    Slot* slot = next == waiting_.end() ? nullptr : slot_for(**next);
    if (!slot) break;
    hand(*slot, *next);
    waiting_.erase(next);
  }
  // What is left waits for a slot, or until its account owes no more: who rests has to know when.
  if (!waiting_.empty())
    for (auto& slot : slots_) slot->changed.notify_all();
}

void Pool::hand(Slot& slot, std::shared_ptr<Call> call) {
  ++runs_of_[call->run.account];
  call->taken = true;
  slot.busy = true;
  slot.handed.push_back(std::move(call));
  slot.changed.notify_all();
}

void Pool::no_longer_runs(AccountId account) {
  if (--runs_of_[account] == 0) runs_of_.erase(account);
}

bool Pool::owes(AccountId account, Steady::time_point now) const {
  const auto owing = owing_.find(account);
  return owing != owing_.end() && owing->second > now;
}

std::optional<Pool::Steady::time_point> Pool::next_that_owes_no_more() const {
  std::optional<Steady::time_point> next;
  for (const auto& call : waiting_)
    if (const auto owing = owing_.find(call->run.account); owing != owing_.end())
      next = next ? std::min(*next, owing->second) : owing->second;
  return next;
}

std::size_t Pool::runs_of(const Call& call) const {
  const auto own = runs_of_.find(call.run.account);
  return own == runs_of_.end() ? 0 : own->second;
}

// Of the accounts that owe nothing the one with the fewest runs, else of the others; its oldest call. An account that
// owes is not given the last worker that is free, where there are several.
Pool::Waiting::iterator Pool::first_of_the_least_served() {
  const auto now = Steady::now();
  const auto free = std::ranges::count_if(slots_, [](const auto& slot) { return !slot->busy; });
  auto rank = [&](const Call& call) { return std::pair(owes(call.run.account, now), runs_of(call)); };
  auto chosen = waiting_.end();
  for (auto next = waiting_.begin(); next != waiting_.end(); ++next) {
    const bool may = !rank(**next).first || slots_.size() == 1 || free > 1;
    if (may && (chosen == waiting_.end() || rank(**next) < rank(**chosen))) chosen = next;
  }
  return chosen;
}

Pool::Slot* Pool::slot_for(const Call& call) {
  Slot* best = nullptr;
  auto rank = [&](const Slot& slot) { return slot.model == call.run.model ? 2 : slot.model.empty() ? 1 : 0; };
  for (auto& slot : slots_) {
    if (slot->busy) continue;
    if (!best || rank(*slot) > rank(*best) || (rank(*slot) == rank(*best) && slot->last_used < best->last_used))
      best = slot.get();
  }
  return best;
}

// Whether a call can join those of a slot that gathers.
bool Pool::fits(const Group& group, const Call& call) const {
  if (group.empty()) return false;
  std::int64_t rows = call.run.rows;
  for (const auto& other : group) rows += other->run.rows;
  const auto& first = group.front()->run;
  return call.run.rows > 0 && rows <= options_.batch && group.size() < most_calls_a_run &&
         first.model == call.run.model && first.account == call.run.account && can_share(first, call.run);
}

// A call that waits and that this slot, which has just become free, should take.
std::shared_ptr<Pool::Call> Pool::take_waiting(const Slot& slot) {
  auto chosen = first_of_the_least_served();
  if (chosen == waiting_.end()) return nullptr;
  const auto now = Steady::now();
  if (now - (*chosen)->since < most_overtaking) {
    const auto same = std::ranges::find_if(waiting_, [&](const auto& call) {
      return call->run.model == slot.model && owes(call->run.account, now) == owes((*chosen)->run.account, now) &&
             runs_of(*call) == runs_of(**chosen);
    });
    if (same != waiting_.end()) chosen = same;
  }
  auto call = *chosen;
  waiting_.erase(chosen);
  return call;
}

// Blocks until there is something to do; empty: the pool stops.
Pool::Group Pool::next_for(Slot& slot, std::unique_lock<std::mutex>& lock) {
  for (;;) {
    while (slot.borrowed || (!stopping_ && slot.handed.empty())) {
      if (slot.borrowed)
        slot.changed.wait(lock);
      else if (auto call = take_waiting(slot))
        hand(slot, std::move(call));
      else
        rest(slot, lock);
    }
    if (!slot.handed.empty() && !stopping_) gather(slot, lock);
    slot.busy = !slot.handed.empty();
    if (slot.busy || stopping_) break;
  }
  auto group = std::make_shared<Shared>();
  for (auto& call : slot.handed) {
    group->calls.push_back(call.get());
    call->group = group;
  }
  if (stopping_) group->stop.request_stop();
  return slot.handed;
}

// Until something may have changed. A worker that nobody has used for a while ends.
void Pool::rest(Slot& slot, std::unique_lock<std::mutex>& lock) {
  auto until = next_that_owes_no_more();
  const auto idle_end = slot.last_used + options_.idle;
  if (!slot.model.empty()) until = until ? std::min(*until, idle_end) : idle_end;
  if (!until)
    slot.changed.wait(lock);
  else if (slot.changed.wait_until(lock, *until) == std::cv_status::timeout && !slot.busy && !slot.model.empty() &&
           Steady::now() >= slot.last_used + options_.idle) {
    slot.model.clear();
    slot.runner.reset();
    slot.file.reset();
  }
}

// Waits a moment for others that can share the run.
void Pool::gather(Slot& slot, std::unique_lock<std::mutex>& lock) {
  const auto first = slot.handed.front();
  if (first->run.rows <= 0 || options_.batch <= 1) return;
  const auto until = Steady::now() + options_.batch_delay;
  slot.gathering = true;
  auto full = [&] {
    std::int64_t rows = 0;
    for (const auto& call : slot.handed) rows += call->run.rows;
    return slot.handed.empty() || rows >= options_.batch || slot.handed.size() >= most_calls_a_run || stopping_;
  };
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    if (fits(slot.handed, **next)) {
      hand(slot, *next);
      next = waiting_.erase(next);
    } else {
      ++next;
    }
  }
  slot.changed.wait_until(lock, until, full);
  slot.gathering = false;
}

// --- a slot's thread

void Pool::serve(Slot& slot) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto calls = next_for(slot, lock);
    if (calls.empty()) return;
    running_ += calls.size();
    if (calls.size() > 1) batched_ += calls.size();
    lock.unlock();
    carry_out(slot, calls);
    lock.lock();
  }
}

void Pool::carry_out(Slot& slot, const Group& calls) {
  std::vector<const Run*> runs;
  for (const auto& call : calls) runs.push_back(&call->run);
  const auto stop = calls.front()->group->stop.get_token();
  auto together = attempt(slot, runs, stop);
  const bool alone = !together && calls.size() > 1 && !lost(together.error().reason());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (together) {
      finish(slot, *calls[i], std::move((*together)[i]));
    } else if (!alone) {
      finish(slot, *calls[i], together.error());
    } else {
      // A model that does not work by rows, or one bad call, is not to cost the others theirs.
      auto one = attempt(slot, {&calls[i]->run}, stop);
      finish(slot, *calls[i], one ? Result<Ran>(std::move(one->front())) : Result<Ran>(std::move(one).error()));
    }
  }
}

// With the last of its calls the slot is free: whoever hears of the answer finds the worker warm, and counted as idle.
void Pool::finish(Slot& slot, Call& call, Result<Ran> result) {
  std::lock_guard lock(mutex_);
  no_longer_runs(call.run.account);
  --running_;
  if (slot.handed.back().get() == &call) {
    slot.handed.clear();
    slot.busy = false;
    slot.last_used = Steady::now();
  }
  call.result.emplace(std::move(result));
  ::eventfd_write(call.done.get(), 1);
}

void Pool::let_wait(AccountId account, Steady::duration time) {
  std::lock_guard lock(mutex_);
  const auto now = Steady::now();
  std::erase_if(owing_, [&](const auto& entry) { return entry.second <= now; });
  auto& until = owing_.emplace(account, now).first->second;
  until += time;
}

Result<std::vector<Ran>> Pool::attempt(Slot& slot, const std::vector<const Run*>& runs, const std::stop_token& stop,
                                       int hangup) {
  if (stop.stop_requested()) return Reason::cancelled;
  const auto started = Steady::now();
  Result<std::vector<Ran>> done = Reason::internal;
  try {
    auto ready = make_ready(slot, *runs.front());
    done = ready ? send(slot, runs, stop, hangup) : Result<std::vector<Ran>>(std::move(ready).error());
  } catch (const std::exception& error) {
    done = Fault(Reason::internal).because(error.what());
  }
  if (done) return done;
  let_wait(runs.front()->account, Steady::now() - started);
  if (done.error().reason() == Reason::storage_full) return too_large(options_.output_bytes);
  return done;
}

// The slot's worker is for this model, or a new one is.
Result<void> Pool::make_ready(Slot& slot, const Run& run) {
  if (slot.runner && slot.model == run.model) return {};
  {
    std::lock_guard lock(mutex_);
    slot.model.clear();
  }
  slot.runner.reset();
  slot.file = TOLL_TRY(run.open());
  slot.runner = options_.make_runner();
  std::lock_guard lock(mutex_);
  slot.model = run.model;
  ++started_;
  return {};
}

Result<std::vector<Ran>> Pool::send(Slot& slot, const std::vector<const Run*>& runs, const std::stop_token& stop,
                                    int hangup) {
  const auto& first = *runs.front();
  onnx::Request request{.action = first.action,
                        .sha256 = first.sha256,
                        .threads = options_.threads,
                        .memory_mib = options_.model_mib,
                        .spin = false};
  engine::Task task{.engine = "onnx", .input = {}, .hangup = hangup};
  task.input.inputs["model"] = slot.file->local_fd();
  std::vector<engine::Fd> files;  // until the run is over
  for (const auto& input : joined_inputs(runs)) {
    request.shapes[input.name] = input.shape;
    files.push_back(memory_file(input.pieces));
    task.input.inputs["input." + input.name] = files.back().get();
  }
  std::vector<int> outputs;
  for (const auto& name : first.outputs) {
    files.push_back(memory_file());
    outputs.push_back(files.back().get());
    task.input.outputs["output." + name] = outputs.back();
  }
  task.input.params = onnx::write_request(request);
  SilentProgress progress;
  auto answer = TOLL_TRY(slot.runner->run(task, progress, stop));
  if (first.action == onnx::Request::Action::describe) return std::vector<Ran>{{{}, std::move(answer.answer)}};
  return read_outputs(runs, answer.answer, outputs);
}

// What the worker says of its outputs is a stranger's word: it is compared with what there is.
Result<std::vector<Ran>> Pool::read_outputs(const std::vector<const Run*>& runs, const std::string& answer,
                                            const std::vector<int>& files) const {
  const auto written = TOLL_TRY(onnx::parse_outputs(answer));
  const auto& wanted = runs.front()->outputs;
  std::vector<Tensor> tensors;
  auto room = options_.output_bytes;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto* info = find_tensor(written, wanted[i]);
    const auto elements = info ? elements_of(info->shape) : std::nullopt;
    if (!elements) return Fault(Reason::internal).because("the worker did not write " + wanted[i]);
    auto bytes = TOLL_TRY(read_memory_file(files[i], room));
    if (!bytes) return too_large(options_.output_bytes);
    room -= bytes->size();
    Tensor tensor{info->name, info->type, info->shape, *std::move(bytes)};
    if (*elements > tensor.bytes.size() || *elements * onnx::size_of(info->type) != tensor.bytes.size())
      return Fault(Reason::internal).because("output " + wanted[i] + " has another size than its shape");
    tensors.push_back(std::move(tensor));
  }
  return split_outputs(runs, std::move(tensors));
}

}  // namespace toll::inference
