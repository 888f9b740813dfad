#include "engine/host.h"
#include "engine/run_guarded.h"

namespace toll::engine {

namespace {

class LocalRunner final : public Runner {
 public:
  explicit LocalRunner(const Catalogue& catalogue) : catalogue_(catalogue) {}

  Result<Output> run(const Task& task, Progress& progress, std::stop_token stop) override {
    Engine* engine = catalogue_.find(task.engine);
    if (!engine) return Fault(Reason::internal).because("no engine " + task.engine);
    return run_guarded(*engine, task.input, progress, std::move(stop));
  }

 private:
  const Catalogue& catalogue_;
};

}  // namespace

std::unique_ptr<Runner> make_local_runner(const Catalogue& catalogue) {
  return std::make_unique<LocalRunner>(catalogue);
}

}  // namespace toll::engine
