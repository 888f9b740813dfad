// One run of an engine with its promises enforced: progress that rises and is not too frequent, exceptions turned to
// faults.
#pragma once

#include <chrono>

#include "engine/engine.h"

namespace toll::engine {

// Passes on what rises, within 0..1, at most ten times a second, and always the end.
class CalmProgress final : public Progress {
 public:
  explicit CalmProgress(Progress& next) : next_(next) {}
  void report(double fraction) override;

 private:
  Progress& next_;
  double last_ = -1;
  std::chrono::steady_clock::time_point when_{};
};

// The engine's result; an exception becomes internal with its text as the cause, a lack of memory too.
Result<Output> run_guarded(Engine& engine, const Input& input, Progress& progress, std::stop_token stop);

}  // namespace toll::engine
