// One item on its way through its steps: what is ready runs, what has come out is committed, until it has ended or must
// stop. Private to workflows/.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "blob/store.h"
#include "sql/database.h"
#include "workflows/definitions.h"
#include "workflows/work.h"

namespace toll::workflows {

// Calls `then` in `after`, unless the handle goes before; on a thread of its own.
using Alarm = std::function<std::shared_ptr<void>(Micros after, std::function<void()> then)>;

struct RunContext {
  sql::Database& db;
  const Work& work;
  const Definitions& definitions;
  blob::Store& store;
  const Clock& clock;
  Random& random;
  Alarm alarm;
  std::size_t steps_at_once = 4;
};

class ItemRun {
 public:
  ItemRun(const RunContext& context, Claim claim, Loaded item, std::stop_token stop);

  // Blocks until the item has ended or `stop` was requested; whether it ended (or the claim is void).
  bool run();

 private:
  enum class Progress : std::uint8_t { not_yet, runs, done, failed, out };

  bool run_listing();
  ListResult list(const Step& step, StepKind& kind, int attempt);
  bool run_leaf();
  Micros pause_after(const Step& step, int attempt, const StepFault& fault);
  std::optional<std::size_t> ready() const;
  std::size_t runs() const;
  void start(std::size_t index);
  void take(std::size_t index, Outcome outcome);
  Outcome run_step(std::size_t index);
  Outcome guarded(std::size_t index);
  void take_arrived();
  StepResult attempt(const Step& step, StepKind& kind, int attempt);
  std::variant<Call, StepFault> call_of(const Step& step, const StepKind& kind, int attempt);
  std::variant<json::Object, StepFault> with_of(const Step& step, const StepKind& kind);
  std::vector<Before> before(std::size_t index) const;
  bool pause(const Step& step, int attempt, const StepFault& fault);
  bool flush(const std::optional<ItemEnd>& end);
  ItemEnd success() const;
  const Step& step(std::size_t index) const { return item_.definition->steps[index]; }
  StepKind* kind(std::size_t index) const { return context_.definitions.catalogue().find(step(index).uses); }

  const RunContext& context_;
  const Claim claim_;
  Loaded item_;
  std::stop_token stop_;
  std::vector<Progress> progress_;
  std::vector<Outcome> unwritten_;
  std::optional<std::string> error_;  // of the first step that failed
  std::atomic<int> lost_ = 0;         // workers that died on it since its last step
  bool void_ = false;                 // the claim is

  // Steps that run on threads of their own read what has finished, while others finish.
  mutable std::shared_mutex finished_mutex_;
  mutable std::mutex mutex_;  // of arrived_
  std::condition_variable changed_;
  std::vector<std::pair<std::size_t, Outcome>> arrived_;
  std::vector<std::jthread> threads_;
};

}  // namespace toll::workflows
