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

using Steady = std::chrono::steady_clock;

// So long a call for another model than the one a slot holds lets later ones pass.
constexpr std::chrono::milliseconds most_overtaking{200};
constexpr std::size_t most_calls_a_run = 64;

class SilentProgress final : public engine::Progress {
 public:
  void report(double) override {}
};

Fault too_large(std::uint64_t limit) {
  return Fault(Reason::model_unusable).with("why", "an output is larger than " + std::to_string(limit) + " bytes");
}

}  // namespace

// Calls that share one run.
struct Pool::Shared {
  std::stop_source stop;
  std::size_t wanted = 0;  // of its calls, by somebody who still waits
};

struct Pool::Call {
  explicit Call(Run run_in) : run(std::move(run_in)), done(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!done) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  Run run;
  Steady::time_point since = Steady::now();
  bool taken = false;             // by a slot
  bool gone = false;              // nobody waits for it any more
  std::shared_ptr<Shared> group;  // once the slot runs it
  std::optional<Result<Ran>> result;
  engine::Fd done;
};

struct Pool::Slot {
  // Guarded by the pool's mutex:
  Group handed;  // for its thread to take
  bool busy = false;
  bool gathering = false;  // handed may grow
  std::string model;       // that its worker holds; empty: it has none
  Steady::time_point last_used = Steady::now();
  std::condition_variable changed;
  // Its thread's own: a worker dies with the thread that started it.
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
    slot->changed.notify_all();
  }
}

Result<Ran> Pool::run(Run run, int hangup) {
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
    if (!call->taken && (gone || Steady::now() >= until)) {
      waiting_.remove(call);
      if (gone) return Reason::cancelled;
      return Fault(Reason::overloaded).retry_after(std::chrono::seconds(1));
    }
    if (gone) {
      // Others of its group may still wait; what the slot makes of this call, nobody will look at.
      call->gone = true;
      if (call->group && --call->group->wanted == 0) call->group->stop.request_stop();
      return Reason::cancelled;
    }
    if (call->taken) patient = false;
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
    Slot* slot = slot_for(**next);
    if (!slot) {
      ++next;
      continue;
    }
    hand(*slot, *next);
    slot->changed.notify_all();
    next = waiting_.erase(next);
  }
}

void Pool::hand(Slot& slot, std::shared_ptr<Call> call) {
  call->taken = true;
  slot.busy = true;
  slot.handed.push_back(std::move(call));
}

Pool::Slot* Pool::slot_for(const Call& call) {
  Slot* best = nullptr;
  auto rank = [&](const Slot& slot) { return slot.model == call.run.model ? 2 : slot.model.empty() ? 1 : 0; };
  for (auto& slot : slots_) {
    if (slot->gathering && fits(slot->handed, call)) return slot.get();
    if (slot->busy) continue;
    if (!best || rank(*slot) > rank(*best) || (rank(*slot) == rank(*best) && slot->last_used < best->last_used))
      best = slot.get();
  }
  return best;
}

// Whether a call can join those of a slot that gathers.
bool Pool::fits(const Group& group, const Call& call) const {
  std::int64_t rows = call.run.rows;
  for (const auto& other : group) rows += other->run.rows;
  return call.run.rows > 0 && rows <= options_.batch && group.size() < most_calls_a_run &&
         group.front()->run.model == call.run.model && can_share(group.front()->run, call.run);
}

// A call that waits and that this slot, which has just become free, should take.
std::shared_ptr<Pool::Call> Pool::take_waiting(const Slot& slot) {
  if (waiting_.empty()) return nullptr;
  auto chosen = waiting_.begin();
  if (Steady::now() - (*chosen)->since < most_overtaking) {
    auto same = std::ranges::find_if(waiting_, [&](const auto& call) { return call->run.model == slot.model; });
    if (same != waiting_.end()) chosen = same;
  }
  auto call = *chosen;
  waiting_.erase(chosen);
  return call;
}

// Blocks until there is something to do; empty: the pool stops.
Pool::Group Pool::next_for(Slot& slot, std::unique_lock<std::mutex>& lock) {
  while (!stopping_ && slot.handed.empty()) {
    if (auto call = take_waiting(slot)) {
      hand(slot, std::move(call));
    } else if (slot.model.empty()) {
      slot.changed.wait(lock);
    } else if (slot.changed.wait_until(lock, slot.last_used + options_.idle) == std::cv_status::timeout &&
               slot.handed.empty() && Steady::now() >= slot.last_used + options_.idle) {
      slot.model.clear();
      slot.runner.reset();
      slot.file.reset();
    }
  }
  if (!slot.handed.empty() && !stopping_) gather(slot, lock);
  auto group = std::make_shared<Shared>();
  for (auto& call : slot.handed) {
    call->group = group;
    group->wanted += !call->gone;
  }
  if (stopping_ || group->wanted == 0) group->stop.request_stop();
  return slot.handed;
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
    return rows >= options_.batch || slot.handed.size() >= most_calls_a_run || stopping_;
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
    running_ -= calls.size();
  }
}

void Pool::carry_out(Slot& slot, const Group& calls) {
  std::vector<const Run*> runs;
  for (const auto& call : calls) runs.push_back(&call->run);
  const auto stop = calls.front()->group->stop.get_token();
  if (runs.size() > 1) {
    if (auto together = attempt(slot, runs, stop)) {
      for (std::size_t i = 0; i < calls.size(); ++i) finish(slot, *calls[i], std::move((*together)[i]));
      return;
    }
    // What one caller brought, or a model that does not work by rows, is not to cost the others theirs.
  }
  for (const auto& call : calls) {
    auto one = attempt(slot, {&call->run}, stop);
    if (one)
      finish(slot, *call, std::move(one->front()));
    else
      finish(slot, *call, std::move(one).error());
  }
}

// With the last of its calls the slot is free: whoever hears of the answer finds the worker warm.
void Pool::finish(Slot& slot, Call& call, Result<Ran> result) {
  std::lock_guard lock(mutex_);
  if (slot.handed.back().get() == &call) {
    slot.handed.clear();
    slot.busy = false;
    slot.last_used = Steady::now();
  }
  call.result.emplace(std::move(result));
  ::eventfd_write(call.done.get(), 1);
}

Result<std::vector<Ran>> Pool::attempt(Slot& slot, const std::vector<const Run*>& runs, const std::stop_token& stop) {
  if (stop.stop_requested()) return Reason::cancelled;
  try {
    if (auto ready = make_ready(slot, *runs.front()); !ready) return std::move(ready).error();
    auto done = send(slot, runs, stop);
    if (!done && done.error().reason() == Reason::storage_full) return too_large(options_.output_bytes);
    return done;
  } catch (const std::exception& error) {
    return Fault(Reason::internal).because(error.what());
  }
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

Result<std::vector<Ran>> Pool::send(Slot& slot, const std::vector<const Run*>& runs, const std::stop_token& stop) {
  const auto& first = *runs.front();
  onnx::Request request{.action = first.action,
                        .sha256 = first.sha256,
                        .threads = options_.threads,
                        .memory_mib = options_.model_mib,
                        .spin = false};
  engine::Task task{.engine = "onnx", .input = {}};
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
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto* info = find_tensor(written, wanted[i]);
    const auto elements = info ? elements_of(info->shape) : std::nullopt;
    if (!elements) return Fault(Reason::internal).because("the worker did not write " + wanted[i]);
    Tensor tensor{info->name, info->type, info->shape, TOLL_TRY(read_memory_file(files[i], options_.output_bytes))};
    if (*elements > tensor.bytes.size() || *elements * onnx::size_of(info->type) != tensor.bytes.size())
      return Fault(Reason::internal).because("output " + wanted[i] + " has another size than its shape");
    tensors.push_back(std::move(tensor));
  }
  return split_outputs(runs, std::move(tensors));
}

}  // namespace toll::inference
