#include "tollhouse/inference.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "engines/onnx/runtime.h"

namespace toll::app {

namespace {

// Of address space, for the program, its libraries and the stacks of its threads.
constexpr std::uint64_t of_the_program = 512ull << 20;
constexpr std::uint32_t runs_of_a_warm_worker = 1'000'000;
constexpr std::chrono::seconds most_patience{30};
// Shorter than what the server gives its connections at the end, so that whoever waits hears of it.
constexpr std::chrono::seconds time_to_finish{10};

std::size_t calls_at_once(const config::Inference& settings) {
  return static_cast<std::size_t>(settings.workers + settings.queue);
}

unsigned threads_of_a_worker(const config::Inference& settings) {
  if (settings.threads > 0) return static_cast<unsigned>(settings.threads);
  return std::clamp(std::thread::hardware_concurrency() / static_cast<unsigned>(settings.workers), 1u, 8u);
}

engine::Limits limits_of_a_worker(const config::Settings& settings) {
  const auto& own = settings.inference;
  engine::Limits limits;
  limits.memory_bytes = static_cast<std::uint64_t>(own.memory_bytes) + of_the_program;
  limits.cpu_time = own.timeout * threads_of_a_worker(own) + std::chrono::seconds(1);
  limits.wall_time = own.timeout;
  limits.output_bytes = static_cast<std::uint64_t>(own.max_body_bytes);
  limits.cancel_grace = std::chrono::seconds(1);
  limits.sandbox = settings.engine.sandbox;
  limits.runs_per_worker = runs_of_a_warm_worker;
  return limits;
}

inference::Pool::Options pool_options(const config::Settings& settings) {
  const auto& own = settings.inference;
  inference::Pool::Options options;
  options.make_runner = [limits = limits_of_a_worker(settings)] {
    return engine::make_process_runner("/proc/self/exe", limits);
  };
  options.workers = static_cast<std::size_t>(own.workers);
  options.threads = threads_of_a_worker(own);
  // The rest is for the file as it is read.
  options.model_mib = std::min(static_cast<std::uint64_t>(own.memory_bytes) >> 21, engines::onnx::most_memory_mib);
  options.output_bytes = static_cast<std::uint64_t>(own.max_body_bytes);
  options.patience = std::min<std::chrono::milliseconds>(own.timeout, most_patience);
  options.batch = own.batch;
  options.batch_delay = std::chrono::milliseconds(own.batch_delay);
  return options;
}

inference::Inference::Options inference_options(const config::Settings& settings) {
  const auto& own = settings.inference;
  const auto calls = calls_at_once(own);
  const auto bytes = static_cast<std::uint64_t>(own.max_body_bytes);
  inference::Inference::Options options;
  options.pool = pool_options(settings);
  // Half of the room for one account, so that nobody shuts the others out; four of the largest bodies at a time.
  options.places = {.calls = calls,
                    .calls_of_account = std::max<std::size_t>(1, calls / 2),
                    .bytes = 4 * bytes,
                    .bytes_of_account = 2 * bytes};
  options.input_bytes = bytes;
  options.timeout = own.timeout;
  options.kept_bytes = static_cast<std::uint64_t>(own.memory_bytes) * 4;
  options.price = {own.price.micros};
  for (const auto& price : own.prices) options.prices[price.repo] = {price.credits.micros};
  return options;
}

void gauges(api::Metrics& metrics, const inference::Inference& models) {
  metrics.gauge("tollhouse_inference_waiting", "Calls of models that wait for a worker.",
                [&] { return static_cast<double>(models.counts().waiting); });
  metrics.gauge("tollhouse_inference_running", "Calls of models that run now.",
                [&] { return static_cast<double>(models.counts().running); });
  metrics.gauge("tollhouse_inference_warm_workers", "Worker processes that hold a model.",
                [&] { return static_cast<double>(models.counts().warm); });
  metrics.gauge("tollhouse_inference_workers_started_total", "Worker processes that were started for a model.",
                [&] { return static_cast<double>(models.counts().started); });
  metrics.gauge("tollhouse_inference_batched_total", "Calls of models that shared a run with others.",
                [&] { return static_cast<double>(models.counts().batched); });
}

}  // namespace

Inference::Inference(Foundation& base, Workshop& workshop, const models::ModelServing& serving,
                     models::AccessRecorder& recorder, const api::Core& server, api::Metrics& metrics,
                     const config::Settings& settings)
    : models(*base.db, *workshop.store, serving, base.ledger, base.random, inference_options(settings)),
      // A key stays with its call for as long as the call may take.
      idempotency({.owner = base.random.uuid4(), .hash_secret = base.secrets.keys, .lease = models.lease()},
                  base.clock),
      waiting(calls_at_once(settings.inference)),
      core{server.db, server.gate, idempotency, server.store, server.clock, waiting, server.preparing, server.disk},
      house{*base.db,
            models,
            recorder,
            TOLL_VERSION,
            engines::onnx::find_runtime().has_value(),
            static_cast<std::uint64_t>(settings.inference.max_body_bytes)} {
  gauges(metrics, models);
}

void Inference::drain(const std::stop_token& ended) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, ended, time_to_finish, [] { return false; });
  models.stop();
}

void Inference::join() {
  models.stop();
  waiting.join();
}

}  // namespace toll::app
