#include "tollhouse/workshop.h"

#include <algorithm>
#include <thread>

#include "base/log.h"
#include "engines/onnx/runtime.h"
#include "jobs/worker.h"
#include "tollhouse/stores.h"

namespace toll::app {

namespace {

// For what somebody waits for.
constexpr std::chrono::seconds short_run{60};

engine::Limits engine_limits(const config::Settings& settings) {
  engine::Limits limits;
  limits.memory_bytes = static_cast<std::uint64_t>(settings.engine.memory_bytes);
  // Each kind of job has its own time below this.
  const auto longest = std::max(settings.stems.job_timeout, settings.media.timeout);
  limits.cpu_time = longest * std::max(1u, std::thread::hardware_concurrency());
  limits.wall_time = longest;
  limits.sandbox = settings.engine.sandbox;
  return limits;
}

separations::SeparationKind::Options separation_options(const config::Settings& settings, std::string_view name) {
  return {.timeout = settings.stems.job_timeout,
          .max_seconds = settings.stems.max_audio_seconds.count(),
          .worker_memory = static_cast<std::uint64_t>(settings.engine.memory_bytes),
          .name = name};
}

media::Records::Options record_options(const config::Settings& settings, sql::Engine engine) {
  const auto& own = settings.media;
  media::Records::Options options;
  options.price = [prices = own](media::ModelType type) -> metering::Credits {
    switch (type) {
      case media::ModelType::df1:
        return credits(prices.price_df1);
      case media::ModelType::ac1:
        return credits(prices.price_ac1);
      case media::ModelType::fd1:
        return credits(prices.price_fd1);
      case media::ModelType::fe1:
        return credits(prices.price_fe1);
      case media::ModelType::fi1:
        break;
    }
    return credits(prices.price_fi1);
  };
  options.upload_time = own.upload_time;
  options.max_image_bytes = static_cast<std::uint64_t>(own.max_image_bytes);
  options.abandoned = std::chrono::hours(24) * own.abandoned_days;
  // Over SQLite there is no other server that could be taking bytes.
  if (engine == sql::Engine::sqlite) options.grace = Micros(0);
  return options;
}

media::AnalysisKind::Options analysis_options(const config::Settings& settings) {
  media::AnalysisKind::Options options;
  options.timeout = settings.media.timeout;
  options.limits.max_pixels = settings.media.max_pixels;
  options.limits.max_seconds = settings.media.max_video_seconds.count();
  options.worker_memory = static_cast<std::uint64_t>(settings.engine.memory_bytes);
  return options;
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
      media_models(base.clock, *store),
      media_records(base.clock, base.random, base.ledger, queue, objects, slots, sweeper, base.client_keys,
                    media_models, bells, record_options(settings, base.db->engine())),
      media_kind(*base.db, *store, media_records, analysis_options(settings)),
      limits(engine_limits(settings)) {
  queue.when_failed(std::string(media::kind_name), [this](sql::Tx& tx, const jobs::Job& job, const Fault& fault) {
    media_records.run_failed(tx, job, fault);
  });
  base.leaving.push_back([this](sql::Tx& tx, AccountId account) { media_records.remove_account(tx, account); });
  base.leaving.push_back([this](sql::Tx& tx, AccountId account) { separations.remove_account(tx, account); });
  if (const auto left = store->remove_leftovers()) log::info("store.leftovers_removed", {{"count", left}});
  sweeper.start();
}

std::unique_ptr<engine::Runner> Workshop::runner() const {
  return engine::make_process_runner("/proc/self/exe", limits);
}

std::unique_ptr<engine::Runner> Workshop::short_runner() const {
  auto brief = limits;
  brief.wall_time = std::min(brief.wall_time, short_run);
  brief.cpu_time = std::min(brief.cpu_time, short_run * std::max(1u, std::thread::hardware_concurrency()));
  return engine::make_process_runner("/proc/self/exe", brief);
}

std::unique_ptr<jobs::Dispatcher> Workshop::dispatch(const config::Settings& settings) {
  const auto slots = static_cast<std::size_t>(settings.stems.max_concurrent_jobs);
  return std::make_unique<jobs::Dispatcher>(
      *base.db, queue, std::vector<jobs::Kind*>{&kind, &part_kind, &media_kind}, [this] { return runner(); },
      jobs::DispatcherOptions{.slots = slots, .max_processing = slots, .worker = jobs::this_worker(base.random)});
}

}  // namespace toll::app
