#include "tollhouse/workshop.h"

#include <algorithm>
#include <thread>

#include "base/log.h"
#include "engines/onnx/runtime.h"
#include "jobs/worker.h"
#include "tollhouse/stores.h"

namespace toll::app {

namespace {

engine::Limits engine_limits(const config::Settings& settings) {
  engine::Limits limits;
  limits.memory_bytes = static_cast<std::uint64_t>(settings.engine.memory_bytes);
  limits.cpu_time = settings.stems.job_timeout * std::max(1u, std::thread::hardware_concurrency());
  limits.wall_time = settings.stems.job_timeout;
  limits.sandbox = settings.engine.sandbox;
  return limits;
}

separations::SeparationKind::Options separation_options(const config::Settings& settings, std::string_view name) {
  return {.timeout = settings.stems.job_timeout,
          .max_seconds = settings.stems.max_audio_seconds.count(),
          .worker_memory = static_cast<std::uint64_t>(settings.engine.memory_bytes),
          .name = name};
}

}  // namespace

Workshop::Workshop(Foundation& foundation, const config::Settings& settings)
    : base(foundation),
      store(open_store(settings)),
      objects(base.clock, base.random),
      sweeper(*base.db, *store, base.clock, {}),
      slots(objects, base.clock, base.random),
      urls(url_settings(settings, base.secrets), base.clock),
      queue(base.ledger, base.clock),
      separations(queue, objects, *store, sweeper, base.clock, base.random,
                  {.retention = std::chrono::hours(settings.stems.retention_hours),
                   .can_run_trained = [] { return engines::onnx::find_runtime().has_value(); }}),
      kind(*base.db, *store, separations, separation_options(settings, separations::kind_name)),
      part_kind(*base.db, *store, separations, separation_options(settings, separations::part_kind_name)),
      limits(engine_limits(settings)) {
  base.leaving.push_back([this](sql::Tx& tx, AccountId account) { separations.remove_account(tx, account); });
  if (const auto left = store->remove_leftovers()) log::info("store.leftovers_removed", {{"count", left}});
  sweeper.start();
}

std::unique_ptr<engine::Runner> Workshop::runner() const {
  return engine::make_process_runner("/proc/self/exe", limits);
}

std::unique_ptr<jobs::Dispatcher> Workshop::dispatch(const config::Settings& settings) {
  const auto slots = static_cast<std::size_t>(settings.stems.max_concurrent_jobs);
  return std::make_unique<jobs::Dispatcher>(
      *base.db, queue, std::vector<jobs::Kind*>{&kind, &part_kind}, [this] { return runner(); },
      jobs::DispatcherOptions{.slots = slots, .max_processing = slots, .worker = jobs::this_worker(base.random)});
}

}  // namespace toll::app
