#include "workflows/item_run.h"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/log.h"
#include "workflows/executions.h"
#include "workflows/rows.h"
#include "workflows/templates.h"

namespace toll::workflows {

namespace {

constexpr std::size_t most_output_bytes = 16 << 20;
constexpr std::chrono::seconds longest_pause{60};
constexpr std::size_t most_listed = 10'000;
constexpr int most_leaf_retries = 10;
constexpr int most_writes = 5;

bool ours_to_mend(const Fault& fault) {
  return fault.reason() == Reason::overloaded || fault.reason() == Reason::storage_full;
}

// Summed by model.
void add_uses(std::vector<ModelUse>& sum, const std::vector<ModelUse>& more) {
  for (const auto& use : more) {
    auto found = std::ranges::find(sum, use.model, &ModelUse::model);
    if (found == sum.end()) {
      sum.push_back(use);
      continue;
    }
    found->calls += use.calls;
    found->prompt_tokens += use.prompt_tokens;
    found->completion_tokens += use.completion_tokens;
    found->embedding_tokens += use.embedding_tokens;
    found->cost_micro_dollars += use.cost_micro_dollars;
  }
}

StepFault worker_lost(int attempts) {
  return failed(fault::worker_lost, fmt::format("The worker died {} times.", attempts));
}

std::optional<json::Value> member(const json::Object& object, const Reference& reference) {
  const auto* found = object.if_contains(reference[1]);
  if (found) found = walk(*found, reference, 2);
  if (!found) return std::nullopt;
  return *found;
}

std::optional<json::Value> of_root(const json::Object& object, const Reference& reference) {
  if (reference.size() == 1) return json::Value(object);
  return member(object, reference);
}

json::Object item_json(const Item& item) {
  json::Object out{{"name", item.name}, {"mime", item.mime}, {"sha256", item.sha256}};
  if (item.file) {
    out["file"] = file_json(*item.file);
    out["size"] = item.file->size;
  } else {
    out["size"] = item.text ? item.text->size() : item.data ? boost::json::serialize(*item.data).size() : 0;
  }
  return out;
}

}  // namespace

ItemRun::ItemRun(const RunContext& context, Claim claim, Loaded item, std::stop_token stop)
    : context_(context), claim_(std::move(claim)), item_(std::move(item)), stop_(std::move(stop)), lost_(item_.lost) {
  const auto goes = steps_of_item(*item_.definition, context_.definitions.catalogue(), item_.source);
  for (std::size_t i = 0; i < goes.size(); ++i)
    progress_.push_back(!goes[i]                              ? Progress::out
                        : item_.finished.contains(step(i).id) ? Progress::done
                                                              : Progress::not_yet);
}

bool ItemRun::run() {
  if (item_.listing) return run_listing();
  if (item_.ending) return run_leaf();
  while (!void_ && !stop_.stop_requested()) {
    const auto next = error_ ? std::nullopt : ready();
    if (next && runs() < context_.steps_at_once) {
      start(*next);
      continue;
    }
    {
      std::unique_lock lock(mutex_);
      if (runs() == 0 && arrived_.empty()) break;
      changed_.wait(lock, [&] { return !arrived_.empty(); });
    }
    take_arrived();
    if (runs() == 0) threads_.clear();
  }
  threads_.clear();
  take_arrived();
  if (void_) return true;
  if (stop_.stop_requested() && !error_) {
    if (!unwritten_.empty()) flush({});
    return void_;
  }
  const auto end = error_ ? ItemEnd{false, nullptr, {}, *error_} : success();
  return flush(end);
}

void ItemRun::take_arrived() {
  std::vector<std::pair<std::size_t, Outcome>> arrived;
  {
    std::lock_guard lock(mutex_);
    arrived.swap(arrived_);
  }
  for (auto& [index, outcome] : arrived) take(index, std::move(outcome));
}

std::optional<std::size_t> ItemRun::ready() const {
  const auto settled = [&](const std::string& id) {
    for (std::size_t i = 0; i < progress_.size(); ++i)
      if (step(i).id == id) return progress_[i] == Progress::done || progress_[i] == Progress::out;
    return true;
  };
  for (std::size_t i = 0; i < progress_.size(); ++i)
    if (progress_[i] == Progress::not_yet && std::ranges::all_of(step(i).needs, settled)) return i;
  return std::nullopt;
}

std::size_t ItemRun::runs() const {
  return static_cast<std::size_t>(std::ranges::count(progress_, Progress::runs));
}

void ItemRun::start(std::size_t index) {
  progress_[index] = Progress::runs;
  // The only one that can run needs no thread of its own.
  if (runs() == 1 && !ready()) return take(index, guarded(index));
  threads_.emplace_back([this, index] {
    auto outcome = guarded(index);
    std::lock_guard lock(mutex_);
    arrived_.emplace_back(index, std::move(outcome));
    changed_.notify_one();
  });
}

void ItemRun::take(std::size_t index, Outcome outcome) {
  // What failed because it was told to stop has not failed.
  if (stop_.stop_requested() && std::holds_alternative<StepFault>(outcome.result))
    return void(progress_[index] = Progress::not_yet);
  const auto& about = kind(index)->about();
  const auto id = step(index).id;
  if (auto* output = std::get_if<Output>(&outcome.result)) {
    progress_[index] = Progress::done;
    std::vector<File> files;
    for (const auto& made : output->files) files.push_back(made.file());
    std::unique_lock lock(finished_mutex_);
    item_.finished[id] = {output->value, std::move(files), output->shown};
    if (id == item_.source) learn_from_source(item_.item, item_.finished[id]);
    lock.unlock();
  } else {
    const auto& fault = std::get<StepFault>(outcome.result);
    progress_[index] = Progress::failed;
    if (!error_) error_ = error_text(id, fault);
    if (!fault.cause.empty())
      log::info("workflow.step_failed", {{"execution", claim_.execution.value()},
                                         {"item", claim_.ordinal},
                                         {"step", id},
                                         {"code", fault.code},
                                         {"cause", fault.cause}});
  }
  const bool paid = std::holds_alternative<Output>(outcome.result) && about.lasting;
  unwritten_.push_back(std::move(outcome));
  if (paid) flush({});
}

// Writes what has run; then whether the item has ended for this worker.
bool ItemRun::flush(const std::optional<ItemEnd>& end) {
  const auto write = [&](std::span<const Outcome> outcomes, const std::optional<ItemEnd>& with) {
    return context_.db.write([&](sql::Tx& tx) { return context_.work.commit(tx, claim_, item_, outcomes, with); });
  };
  auto written = write(unwritten_, end);
  // No room or too much to do: ours to mend, while the lease lasts.
  for (int i = 0; i < most_writes && !written && ours_to_mend(written.error()); ++i) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    written = write(unwritten_, end);
  }
  if (!written) {
    // What could not be kept has not happened; the item fails for it.
    const auto& last = unwritten_.empty() ? std::string("item") : unwritten_.back().step;
    const auto code =
        written.error().reason() == Reason::insufficient_credits ? fault::insufficient_credits : fault::engine_failed;
    const auto why = failed(code, written.error());
    error_ = error_text(last, why);
    written = write({}, ItemEnd{false, nullptr, {}, *error_});
    void_ = true;
    if (!written) throw std::runtime_error("an item could not be ended: " + written.error().describe());
  }
  unwritten_.clear();
  lost_ = 0;
  if (!*written) void_ = true;
  return true;
}

ItemEnd ItemRun::success() const {
  ItemEnd end;
  end.succeeded = true;
  json::Array sinks;
  const json::Value* response = nullptr;
  for (std::size_t i = 0; i < progress_.size(); ++i) {
    const auto found = item_.finished.find(step(i).id);
    if (progress_[i] != Progress::done || found == item_.finished.end()) continue;
    const auto& about = kind(i)->about();
    if (about.name == "sink.response") {
      response = &found->second.value;
      end.files = found->second.shown;
    }
    if (about.role != Role::sink) continue;
    json::Object sink{{"step", step(i).id}, {"uses", step(i).uses}};
    if (const auto* output = found->second.value.if_object())
      for (const auto& [name, value] : *output)
        if (!sink.contains(name)) sink[name] = value;
    sinks.push_back(std::move(sink));
  }
  end.output = response ? *response : json::Value(json::Object{{"sinks", std::move(sinks)}});
  return end;
}

// Of what the step's output does to memory, too.
Outcome ItemRun::guarded(std::size_t index) try { return run_step(index); } catch (const std::exception& error) {
  return {step(index).id,
          1,
          context_.clock.now(),
          failed(fault::engine_failed, "Something went wrong on our side.", error.what()),
          {}};
}

Outcome ItemRun::run_step(std::size_t index) {
  const auto& step = this->step(index);
  auto& kind = *this->kind(index);
  const auto started = context_.clock.now();
  const auto retry = step.retry.value_or(Retry{});
  const auto begun = item_.attempts.find(step.id);
  const int lost = lost_;
  // A step that was running when its worker died has used that attempt.
  auto attempt = begun != item_.attempts.end() ? begun->second + (lost > 0 ? 1 : 0) : 1 + lost;
  if (attempt < 1) attempt = 1;
  if (attempt > retry.max_attempts && lost > 0) return {step.id, retry.max_attempts, started, worker_lost(lost), {}};
  std::vector<ModelUse> used;
  for (;; ++attempt) {
    auto result = this->attempt(step, kind, attempt);
    auto& models =
        std::holds_alternative<Output>(result) ? std::get<Output>(result).models : std::get<StepFault>(result).models;
    add_uses(used, models);
    const auto* fault = std::get_if<StepFault>(&result);
    if (fault && fault->again && attempt < retry.max_attempts && pause(step, attempt, *fault)) continue;
    models = used;
    Outcome outcome{step.id, attempt, started, std::move(result), {}};
    if (const auto* output = std::get_if<Output>(&outcome.result)) {
      outcome.output = boost::json::serialize(output->value);
      if (outcome.output.size() > most_output_bytes)
        outcome.result = failed(fault::engine_failed, "The output is larger than 16 MiB.");
    }
    return outcome;
  }
}

Micros ItemRun::pause_after(const Step& step, int attempt, const StepFault& fault) {
  const auto base = step.retry.value_or(Retry{}).backoff_s * std::pow(2.0, attempt - 1);
  const auto jitter = 0.5 + 0.5 * static_cast<double>(context_.random.below(1001)) / 1000;
  auto pause = std::chrono::duration_cast<Micros>(std::chrono::duration<double>(base * jitter));
  if (fault.retry_after) pause = std::max(pause, Micros(*fault.retry_after));
  return std::min(pause, Micros(longest_pause));
}

// Waits before the next attempt; false: there is no use in waiting any more.
bool ItemRun::pause(const Step& step, int attempt, const StepFault& fault) {
  const auto pause = pause_after(step, attempt, fault);
  if (context_.clock.now() + pause >= item_.deadline) return !stop_.stop_requested();
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop_, pause, [] { return false; });
  return !stop_.stop_requested();
}

StepResult ItemRun::attempt(const Step& step, StepKind& kind, int attempt) try {
  if (kind.about().lasting && !item_.ending) {
    const bool mine =
        context_.db.write([&](sql::Tx& tx) { return context_.work.started(tx, claim_, step.id, attempt); });
    if (!mine) return failed(fault::cancelled, "The execution has ended.");
  }
  auto call = call_of(step, kind, attempt);
  if (auto* fault = std::get_if<StepFault>(&call)) return std::move(*fault);
  std::stop_source ended;
  const std::stop_callback with_item(stop_, [&] { ended.request_stop(); });
  std::atomic<bool> late = false;
  std::shared_ptr<void> alarm;
  if (step.timeout_s)
    alarm = context_.alarm(std::chrono::seconds(*step.timeout_s), [&] {
      late = true;
      ended.request_stop();
    });
  auto result = kind.run(std::get<Call>(call), ended.get_token());
  alarm.reset();
  if (late && std::holds_alternative<StepFault>(result))
    return failed(fault::deadline_exceeded, fmt::format("the step timed out after {} s", *step.timeout_s));
  return result;
} catch (const std::exception& error) {
  return failed(fault::engine_failed, "Something went wrong on our side.", error.what());
}

std::variant<json::Object, StepFault> ItemRun::with_of(const Step& step, const StepKind& kind) {
  Scope scope;
  scope.find = [&](const Reference& reference) -> std::optional<json::Value> {
    const auto& root = reference[0];
    if (root == "input") return of_root(item_.input, reference);
    if (root == "parameters") return of_root(item_.parameters, reference);
    if (root == "custom_data") return of_root(item_.custom_data, reference);
    if (root == "item") return of_root(item_json(item_.item), reference);
    if (root == "execution") return json::Value(claim_.execution.value());
    const auto found = reference.size() > 1 ? item_.finished.find(reference[1]) : item_.finished.end();
    if (found == item_.finished.end()) return std::nullopt;
    const auto* value = walk(found->second.value, reference, 2);
    return value ? std::optional(*value) : std::nullopt;
  };
  if (kind.about().secrets)
    scope.secret = [&](const std::string& name) {
      return context_.db.read(
          [&](sql::Tx& tx) { return context_.definitions.secrets().open(tx, item_.organisation, name); });
    };
  auto with = expand(step.with, scope);
  if (auto* why = std::get_if<std::string>(&with)) return failed(fault::template_error, std::move(*why));
  const auto wrong = context_.definitions.catalogue().with_schema(step.uses).check(std::get<json::Object>(with), 1);
  if (!wrong.empty())
    return failed(fault::template_error,
                  fmt::format("with.{} {}.", schema::dotted(wrong.front().path), wrong.front().message));
  return std::move(std::get<json::Object>(with));
}

std::vector<Before> ItemRun::before(std::size_t index) const {
  std::vector<Before> out;
  for (const auto i : item_.definition->before(index)) {
    const auto found = item_.finished.find(step(i).id);
    if (found != item_.finished.end())
      out.push_back({step(i).id, step(i).uses, found->second.value, found->second.files});
  }
  return out;
}

std::variant<Call, StepFault> ItemRun::call_of(const Step& step, const StepKind& kind, int attempt) {
  const std::shared_lock lock(finished_mutex_);
  auto with = with_of(step, kind);
  if (auto* fault = std::get_if<StepFault>(&with)) return std::move(*fault);
  Call call;
  call.execution = claim_.execution;
  call.organisation = item_.organisation;
  call.payer = item_.payer;
  call.workflow = item_.workflow;
  call.workflow_name = item_.definition->name;
  call.workflow_type = to_string(item_.definition->type);
  call.step = step.id;
  call.uses = step.uses;
  call.item = item_.item;
  call.with = std::move(std::get<json::Object>(with));
  call.input = item_.input;
  if (const auto* pin = item_.pins.if_contains(step.id)) call.pin = *pin;
  call.before = before(static_cast<std::size_t>(&step - item_.definition->steps.data()));
  call.direct = static_cast<std::size_t>(std::ranges::count_if(
      call.before, [&](const Before& b) { return std::ranges::find(step.needs, b.id) != step.needs.end(); }));
  if (item_.item.file) call.files.push_back(*item_.item.file);
  for (const auto& earlier : call.before)
    call.files.insert(call.files.end(), earlier.files.begin(), earlier.files.end());
  call.token = fmt::format("{}:{}:{}", claim_.execution.value(), item_.item.ordinal, step.id);
  call.attempt = attempt;
  call.ending = item_.ending;
  call.max_file_bytes = item_.max_file_bytes;
  call.deadline = item_.deadline;
  call.store = &context_.store;
  return call;
}

ListResult ItemRun::list(const Step& step, StepKind& kind, int attempt) try {
  auto call = call_of(step, kind, attempt);
  if (auto* fault = std::get_if<StepFault>(&call)) return std::move(*fault);
  return kind.list(std::get<Call>(call), stop_);
} catch (const std::exception& error) {
  return failed(fault::engine_failed, "Something went wrong on our side.", error.what());
}

// The claim's number counts the attempts: nothing else takes a leaf's item.
bool ItemRun::run_leaf() {
  const auto* step = item_.definition->find(item_.source);
  auto* kind = step ? context_.definitions.catalogue().find(step->uses) : nullptr;
  if (!kind) return true;
  const auto attempt = static_cast<int>(claim_.number);
  const auto result = this->attempt(*step, *kind, attempt);
  if (stop_.stop_requested()) return false;
  const auto* fault = std::get_if<StepFault>(&result);
  const bool again = fault && fault->again && attempt <= most_leaf_retries;
  const auto due = context_.clock.now() + (again ? pause_after(*step, attempt, *fault) : Micros());
  (void)context_.db.write([&](sql::Tx& tx) {
    if (again) return context_.work.postpone(tx, claim_, due);
    return context_.work.noticed(tx, claim_, fault ? std::optional(error_text(step->id, *fault)) : std::nullopt);
  });
  return true;
}

bool ItemRun::run_listing() {
  std::map<std::string, std::vector<Item>> items;
  std::optional<std::string> error;
  for (const auto& step : item_.definition->steps) {
    auto* kind = context_.definitions.catalogue().find(step.uses);
    if (!kind || !kind->lists()) continue;
    ListResult listed = Listed{};
    const int most = step.retry.value_or(Retry{}).max_attempts;
    for (int attempt = 1 + lost_;; ++attempt) {
      listed = attempt > most ? ListResult(worker_lost(lost_)) : list(step, *kind, attempt);
      const auto* fault = std::get_if<StepFault>(&listed);
      const bool again = fault && fault->again && attempt < most;
      if (!again || !pause(step, attempt, *fault)) break;
    }
    if (stop_.stop_requested()) return false;
    if (const auto* fault = std::get_if<StepFault>(&listed)) {
      if (!error) error = error_text(step.id, *fault);
      continue;
    }
    auto& found = std::get<Listed>(listed).items;
    if (found.size() > most_listed) found.resize(most_listed);
    items[step.id] = std::move(found);
  }
  (void)context_.db.write([&](sql::Tx& tx) { return context_.work.listed(tx, claim_, item_, items, error); });
  return true;
}

}  // namespace toll::workflows
