// The only place that puts the whole together. serve() reads top to bottom: a line may use what stands above it.
#include "tollhouse/wiring.h"

#include <malloc.h>
#include <csignal>
#include <thread>

#include "api/openapi.h"
#include "base/log.h"
#include "engine/host.h"
#include "engines/documents/documents_engine.h"
#include "engines/forensics/plan.h"
#include "engines/onnx/onnx_engine.h"
#include "engines/separation/separation.h"
#include "http/server.h"
#include "surfaces/deployments/surface.h"
#include "surfaces/inference/surface.h"
#include "surfaces/media/surface.h"
#include "surfaces/objects/surface.h"
#include "surfaces/registry/surface.h"
#include "surfaces/stems/surface.h"
#include "surfaces/tunes/surface.h"
#include "tollhouse/deployments.h"
#include "tollhouse/foundation.h"
#include "tollhouse/gatehouse.h"
#include "tollhouse/inference.h"
#include "tollhouse/janitor.h"
#include "tollhouse/media.h"
#include "tollhouse/pages.h"
#include "tollhouse/registry.h"
#include "tollhouse/stems.h"
#include "tollhouse/tunes.h"
#include "tollhouse/workflows.h"
#include "tollhouse/workshop.h"

namespace toll::app {

namespace {

// What commands beside the server need, with what it stands on.
struct OwnHouse final : House {
  explicit OwnHouse(std::unique_ptr<Foundation> foundation)
      : House(foundation->clock, *foundation->db, foundation->accounts, foundation->account_service, foundation->keys,
              foundation->tunes_keys, foundation->ledger),
        foundation(std::move(foundation)) {}
  std::unique_ptr<Foundation> foundation;
};

// SIGINT and SIGTERM are taken by one thread that waits for them; every other thread has them blocked.
sigset_t block_stop_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

int wait_for(const sigset_t& set) {
  int signal = 0;
  sigwait(&set, &signal);
  return signal;
}

http::ServerOptions server_options(const config::Settings& settings) {
  const auto [host, port] = config::split_listen(settings.server.listen);
  http::ServerOptions options;
  options.host = host;
  options.port = port;
  options.threads = settings.server.threads > 0 ? static_cast<unsigned>(settings.server.threads)
                                                : std::max(1u, std::thread::hardware_concurrency());
  options.certificate_file = settings.server.certificate;
  options.key_file = settings.server.key;
  options.max_connections = static_cast<std::size_t>(settings.server.max_connections);
  return options;
}

std::unique_ptr<http::Server> listen(const http::ServerOptions& options, http::Handler& handler) try {
  return http::make_server(options, handler);
} catch (const std::system_error& error) {
  throw std::runtime_error("cannot listen on " + options.host + ":" + std::to_string(options.port) + ": " +
                           error.code().message() + ". Choose another address with --listen HOST:PORT");
}

std::vector<api::SurfaceDescription> surfaces() {
  return {stems::describe(),    tunes::describe(),        registry::describe(), open_inference::describe(),
          deployed::describe(), deployed::describe_mcp(), media_api::describe()};
}

}  // namespace

int serve(const config::Settings& settings) {
  const auto stop_signals = block_stop_signals();
  log::set_level(settings.server.log_level);
  const OnlyServer only(settings);
  Foundation base(settings);
  Workshop workshop(base, settings);
  Gatehouse gatehouse(base, workshop, settings);
  Workflows workflows(base, workshop, settings);
  Deployments deployments_surface(base, workshop, workflows, gatehouse.core, settings);
  Janitor janitor(
      *base.db,
      {[&](sql::Tx& tx) { workflows.executions.sweep(tx); },
       [&](sql::Tx& tx) { deployments_surface.tidy(tx, base.clock.now()); },
       [&](sql::Tx& tx) { workshop.separations.expire(tx); }, [&](sql::Tx& tx) { gatehouse.idempotency.purge(tx); },
       [&](sql::Tx& tx) { base.sessions.purge(tx); }, [&](sql::Tx& tx) { workshop.media_records.release_expired(tx); },
       [&](sql::Tx& tx) { workshop.media_records.remove_abandoned(tx); },
       [&](sql::Tx& tx) {
         const auto kept = std::chrono::hours(settings.objects.upload_retention_hours);
         workshop.slots.sweep(tx, base.clock.now() - kept, 500);
       }});
  const auto prober = probe::make_prober([&] { return workshop.runner(); }, probes);

  Stems stems_surface(base, workshop, *prober, settings);
  Tunes tunes_surface(base, workshop, *prober, settings);
  Registry registry_surface(base, workshop, settings);
  Inference inference_surface(base, workshop, registry_surface.serving, registry_surface.recorder, gatehouse.core,
                              gatehouse.metrics, settings);
  workflows.equip(base, workshop, stems_surface, registry_surface, inference_surface);
  Media media_surface(base, workshop, settings);
  object_store::House objects_house{*workshop.store, workshop.urls, workshop.slots, workshop.key_spaces};
  auto& front = gatehouse.front;
  front.add(stems::make(gatehouse.core, stems_surface.house));
  front.add(tunes::make(gatehouse.core, tunes_surface.house));
  front.add(registry::make(gatehouse.core, registry_surface.house));
  front.add(open_inference::make(inference_surface.core, inference_surface.house));
  front.add(media_api::make(gatehouse.core, media_surface.house));
  front.add(deployed::make_mcp(deployments_surface.core, deployments_surface.house));
  front.add(deployed::make(deployments_surface.core, deployments_surface.house));
  front.add(object_store::make(gatehouse.core, objects_house));
  const PageContext pages{gatehouse.metrics, [&] { return janitor.healthy(); }, openapi_text(settings),
                          settings.server.operator_token};
  add_pages(front, pages);

  const auto dispatcher = workshop.dispatch(settings);
  gatehouse.metrics.gauge("tollhouse_workflow_items_running", "Items of workflow executions that run in this process.",
                          [&] { return static_cast<double>(workflows.runner.running()); });
  gatehouse.metrics.gauge("tollhouse_access_rows_dropped_total",
                          "Rows of the registry's access log lost to a full buffer.",
                          [&] { return static_cast<double>(registry_surface.recorder.dropped()); });
  gatehouse.metrics.gauge("tollhouse_jobs_running", "Jobs that run in this process now.",
                          [&] { return static_cast<double>(dispatcher->running()); });

  const auto options = server_options(settings);
  const auto server = listen(options, front);
  workflows.runner.start();
  log::gather();
  log::info("server.started", {{"listen", options.host + ":" + std::to_string(server->port())},
                               {"tls", options.certificate_file.empty() ? 0 : 1},
                               {"database", base.db->engine() == sql::Engine::sqlite ? "sqlite" : "postgresql"}});
  log::flush();
  // What the start needed and has let go, the OpenAPI document's making before all, goes back to the system.
  ::malloc_trim(0);

  std::jthread stopper([&](const std::stop_token& ended) {
    const int signal = wait_for(stop_signals);
    log::info("server.stopping", {{"signal", signal}});
    workshop.bells.close();
    server->stop();
    deployments_surface.drain();
    inference_surface.drain(ended);
  });
  server->run();
  workflows.runner.stop();
  dispatcher->stop();
  inference_surface.join();
  deployments_surface.join();
  gatehouse.join();
  log::info("server.stopped");
  log::flush();
  return 0;
}

int work(const config::Settings& settings) {
  const auto stop_signals = block_stop_signals();
  log::set_level(settings.server.log_level);
  Foundation base(settings);
  Workshop workshop(base, settings);
  const auto dispatcher = workshop.dispatch(settings);
  log::gather();
  log::info("worker.started", {{"slots", settings.stems.max_concurrent_jobs}});
  log::flush();
  wait_for(stop_signals);
  dispatcher->stop();
  return 0;
}

std::unique_ptr<sql::Database> open_database(const config::Settings& settings) {
  return sql::open(database_options(settings));
}

std::unique_ptr<House> open_house(const config::Settings& settings) {
  log::set_level(settings.server.log_level);
  return std::make_unique<OwnHouse>(std::make_unique<Foundation>(settings));
}

std::string openapi_text(const config::Settings& settings) {
  const auto all = surfaces();
  return api::openapi(all, {.version = TOLL_VERSION,
                            .server_url = settings.server.public_url.empty() ? "/" : settings.server.public_url});
}

int run_engine_process(bool sandbox) {
  engine::Catalogue catalogue;
  catalogue.add(engines::separation::make_separation_engine());
  catalogue.add(engines::onnx::make_onnx_engine());
  catalogue.add(engines::forensics::make_forensics_engine());
  catalogue.add(probe::make_engine());
  catalogue.add(engines::documents::make_documents_engine());
  return engine::serve_worker(catalogue, 3, sandbox);
}

}  // namespace toll::app
