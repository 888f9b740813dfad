// The only place that names concrete classes. Reads top to bottom: a member may use what stands above it.
#include "tollhouse/wiring.h"

#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "api/front.h"
#include "api/openapi.h"
#include "base/log.h"
#include "base/random.h"
#include "engine/host.h"
#include "engines/onnx/onnx_engine.h"
#include "engines/onnx/runtime.h"
#include "engines/separation/separation.h"
#include "http/server.h"
#include "identity/authenticator.h"
#include "identity/credential_cache.h"
#include "identity/key_uses.h"
#include "identity/secrets.h"
#include "jobs/dispatcher.h"
#include "jobs/worker.h"
#include "metering/counters.h"
#include "metering/idempotency.h"
#include "metering/square/square.h"
#include "metering/usage.h"
#include "metering/usage_report.h"
#include "objects/signed_urls.h"
#include "objects/slots.h"
#include "objects/sweeper.h"
#include "probe/probe.h"
#include "separations/run.h"
#include "sql/migrations.h"
#include "surfaces/objects/surface.h"
#include "surfaces/registry/surface.h"
#include "surfaces/stems/surface.h"
#include "surfaces/tunes/surface.h"
#include "tollhouse/janitor.h"
#include "tollhouse/pages.h"
#include "tollhouse/registry.h"
#include "tollhouse/stores.h"

namespace toll::app {

namespace {

namespace fs = std::filesystem;

fs::path data_folder(const config::Settings& settings) {
  fs::path folder = fs::absolute(settings.server.data);
  fs::create_directories(folder);
  return folder;
}

sql::Options database_options(const config::Settings& settings) {
  sql::Options options;
  options.url = settings.server.database.empty() ? "sqlite://" + (data_folder(settings) / "tollhouse.db").string()
                                                 : settings.server.database;
  return options;
}

metering::Credits credits(config::Credits amount) {
  return {amount.micros};
}

identity::Passwords::Cost password_cost(std::string_view name) {
  if (name == "minimal") return identity::Passwords::cheap_for_tests();
  if (name == "moderate") return {.passes = 3, .memory = 256u << 20};
  return identity::Passwords::interactive();
}

std::vector<metering::Package> packages(const config::Stems& stems) {
  std::vector<metering::Package> out;
  for (const auto& p : stems.packages) out.push_back({p.id, p.name, credits(p.credits), p.price_cents, p.currency});
  return out;
}

std::string square_base(const config::Payments& payments) {
  if (!payments.square_base_url.empty()) return payments.square_base_url;
  return payments.square_environment == "production" ? "https://connect.squareup.com"
                                                     : "https://connect.squareupsandbox.com";
}

std::unique_ptr<metering::PaymentProvider> payment_provider(const config::Payments& payments) {
  if (payments.provider != "square") return nullptr;
  return metering::square_provider({.base = square_base(payments),
                                    .access_token = payments.square_access_token,
                                    .location_id = payments.square_location_id});
}

engine::Limits engine_limits(const config::Settings& settings) {
  engine::Limits limits;
  limits.memory_bytes = static_cast<std::uint64_t>(settings.engine.memory_bytes);
  limits.cpu_time = settings.stems.job_timeout * std::max(1u, std::thread::hardware_concurrency());
  limits.wall_time = settings.stems.job_timeout;
  limits.sandbox = settings.engine.sandbox;
  return limits;
}

// Accounts, keys and money over one migrated database: what every command needs.
struct Foundation final : House {
  struct Parts {
    SystemClock clock;
    SystemRandom random;
    std::unique_ptr<sql::Database> db;
    identity::Secrets secrets;
    identity::CredentialCache cache{clock};
    metering::Ledger ledger{clock};
    identity::Accounts accounts;
    identity::Sessions sessions;
    identity::Keys keys;
    identity::TunesKeys tunes_keys;
    identity::Passwords passwords;
    identity::LoginThrottle throttle{clock};
    identity::AccountService::Leaving leaving;  // set by who owns more than accounts
    identity::AccountService account_service;

    explicit Parts(const config::Settings& settings)
        : db(sql::open(database_options(settings))),
          secrets(identity::load_secrets(data_folder(settings),
                                         {settings.secrets.api_key_pepper, settings.secrets.session_key}, random)),
          accounts(
              clock, cache,
              {.admin_emails = settings.admin.emails, .plan = identity::plan_from(settings.accounts.plan).value()}),
          sessions(clock, random, cache, {.secret = secrets.sessions}),
          keys(clock, random, cache, secrets.keys),
          tunes_keys(clock, random, cache, secrets.keys),
          passwords(password_cost(settings.passwords.cost)),
          account_service(*db, accounts, sessions, passwords, throttle, ledger,
                          {.starter_credits = credits(settings.stems.starter_credits)},
                          [this](sql::Tx& tx, AccountId account) {
                            if (leaving) leaving(tx, account);
                          }) {
      for (const auto& name : sql::migrate(*db, clock.now())) log::info("database.migrated", {{"migration", name}});
    }
  };

  explicit Foundation(std::unique_ptr<Parts> parts)
      : House(parts->clock, *parts->db, parts->accounts, parts->account_service, parts->keys, parts->tunes_keys,
              parts->ledger),
        parts(std::move(parts)) {}
  std::unique_ptr<Parts> parts;
};

std::unique_ptr<Foundation> lay_foundation(const config::Settings& settings) {
  log::set_level(settings.server.log_level);
  return std::make_unique<Foundation>(std::make_unique<Foundation::Parts>(settings));
}

// Files, the queue, and those who work on it.
struct Workshop {
  Foundation::Parts& base;
  std::unique_ptr<blob::Store> store;
  objects::Objects objects;
  objects::Sweeper sweeper;
  objects::Slots slots;
  objects::SignedUrls urls;
  objects::KeySpaces key_spaces;
  jobs::Queue queue;
  separations::Separations separations;
  separations::SeparationKind kind;
  engine::Limits limits;

  Workshop(Foundation::Parts& parts, const config::Settings& settings)
      : base(parts),
        store(open_store(settings)),
        objects(base.clock, base.random),
        sweeper(*base.db, *store, base.clock, {}),
        slots(objects, base.clock, base.random),
        urls(url_settings(settings, base.secrets), base.clock),
        queue(base.ledger, base.clock),
        separations(queue, objects, *store, sweeper, base.clock, base.random,
                    {.retention = std::chrono::hours(settings.stems.retention_hours),
                     .can_run_trained = [] { return engines::onnx::load_runtime().has_value(); }}),
        kind(*base.db, *store, separations,
             {.timeout = settings.stems.job_timeout,
              .max_seconds = settings.stems.max_audio_seconds.count(),
              .worker_memory = static_cast<std::uint64_t>(settings.engine.memory_bytes)}),
        limits(engine_limits(settings)) {
    base.leaving = [this](sql::Tx& tx, AccountId account) { separations.remove_account(tx, account); };
    if (const auto left = store->remove_leftovers()) log::info("store.leftovers_removed", {{"count", left}});
    sweeper.start();
  }

  std::unique_ptr<engine::Runner> runner() const { return engine::make_process_runner("/proc/self/exe", limits); }

  std::unique_ptr<jobs::Dispatcher> dispatch(const config::Settings& settings) {
    const auto slots = static_cast<std::size_t>(settings.stems.max_concurrent_jobs);
    return std::make_unique<jobs::Dispatcher>(
        *base.db, queue, std::vector<jobs::Kind*>{&kind}, [this] { return runner(); },
        jobs::DispatcherOptions{.slots = slots, .max_processing = slots, .worker = jobs::this_worker(base.random)});
  }
};

// A cap of 0 is none, so the other two hold alone.
metering::Limits account_cap(const config::Limits& limits) {
  const metering::Limits cap{limits.account_minute, limits.account_hour, limits.account_day};
  if (cap == metering::Limits{}) return cap;
  auto or_none = [](std::int64_t calls) { return calls > 0 ? calls : INT64_MAX; };
  return {or_none(cap.minute), or_none(cap.hour), or_none(cap.day)};
}

std::unique_ptr<metering::Counters> call_counters(const config::Limits& limits) try {
  if (limits.redis.empty()) return metering::memory_counters();
  metering::RedisOptions options;
  options.url = limits.redis;
  if (limits.redis_down == "refuse") options.down = metering::RedisOptions::Down::refuse;
  return metering::redis_counters(options);
} catch (const std::invalid_argument& problem) {
  throw std::runtime_error(std::string("limits.redis: ") + problem.what());
}

identity::AddressRules trusted_proxies(const config::Settings& settings) try {
  return identity::AddressRules(settings.server.trusted_proxies);
} catch (const std::invalid_argument& problem) {
  throw std::runtime_error(std::string("server.trusted_proxies: ") + problem.what());
}

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

std::unique_ptr<http::Server> listen(const http::ServerOptions& options, http::Handler& handler) try {
  return http::make_server(options, handler);
} catch (const std::system_error& error) {
  throw std::runtime_error("cannot listen on " + options.host + ":" + std::to_string(options.port) + ": " +
                           error.code().message() + ". Choose another address with --listen HOST:PORT");
}

std::vector<api::SurfaceDescription> surfaces() {
  return {stems::describe(), tunes::describe(), registry::describe()};
}

}  // namespace

int serve(const config::Settings& settings) {
  const auto stop_signals = block_stop_signals();
  const auto foundation = lay_foundation(settings);
  auto& base = *foundation->parts;
  Workshop workshop(base, settings);

  const metering::Idempotency idempotency({.owner = base.random.uuid4(), .hash_secret = base.secrets.keys}, base.clock);
  (void)base.db->write([&](sql::Tx& tx) { return idempotency.recover(tx); });
  const identity::Authenticator authenticator(
      base.clock, base.cache,
      {.key_secret = base.secrets.keys,
       .session_secret = base.secrets.sessions,
       .admin_token =
           settings.registry.admin_token.empty() ? settings.server.operator_token : settings.registry.admin_token});
  const metering::Shop shop(*base.db, base.ledger, base.clock, packages(settings.stems),
                            payment_provider(settings.payments));
  const separations::Models models(
      {.price = credits(settings.stems.price_separation), .builtin_fallback = settings.stems.builtin_fallback});
  constexpr std::size_t probes = 3;  // files that are measured at a time
  const auto prober = probe::make_prober([&] { return workshop.runner(); }, probes);

  boost::asio::thread_pool blocking(4), preparing(probes), disk(4);
  const auto counters = call_counters(settings.limits);
  counters->preload(base.db->read([&](sql::Tx& tx) {
    return metering::charged_in_current_windows(tx, base.clock.now(),
                                                account_cap(settings.limits) != metering::Limits{});
  }));
  const auto& limits = settings.limits;
  const api::Gate gate(
      *base.db, authenticator, *counters, base.clock,
      {.session = {limits.session_minute, limits.session_hour, limits.session_day}, .account = account_cap(limits)});
  const api::Core core{*base.db, gate, idempotency, *workshop.store, base.clock, blocking, preparing, disk};
  stems::House stems_house{*base.db,
                           *workshop.store,
                           base.account_service,
                           base.accounts,
                           base.sessions,
                           base.keys,
                           base.ledger,
                           shop,
                           base.clock,
                           workshop.queue,
                           workshop.separations,
                           models,
                           *prober,
                           {settings.payments.square_application_id, settings.payments.square_location_id,
                            settings.payments.square_environment},
                           static_cast<std::uint64_t>(settings.stems.max_upload_bytes),
                           settings.server.public_url.starts_with("https://")};

  api::Metrics metrics;
  metering::UsageRecorder usage(*base.db, base.clock, {.note_uses = identity::write_key_uses});
  Janitor janitor(*base.db, {[&](sql::Tx& tx) { workshop.separations.expire(tx); },
                             [&](sql::Tx& tx) { idempotency.purge(tx); }, [&](sql::Tx& tx) { base.sessions.purge(tx); },
                             [&](sql::Tx& tx) {
                               const auto kept = std::chrono::hours(settings.objects.upload_retention_hours);
                               workshop.slots.sweep(tx, base.clock.now() - kept, 500);
                             }});
  api::Front front(base.clock, base.random, metrics, &usage,
                   {.cors_origins = settings.server.cors_origins,
                    .requests_per_second = settings.limits.requests_per_second,
                    .trusted_proxies = trusted_proxies(settings)});
  front.add(stems::make(core, stems_house));
  const library::Tracks tracks(workshop.objects, workshop.sweeper, base.clock, base.random);
  const library::Playlists playlists(base.clock, base.random);
  const library::AudioUploads audio_uploads(tracks, workshop.slots);
  library::AudioSpace audio_space(tracks);
  workshop.key_spaces.add(audio_space);
  const tunes::LibraryHouse library_house{tracks,
                                          playlists,
                                          audio_uploads,
                                          workshop.urls,
                                          *workshop.store,
                                          *prober,
                                          static_cast<std::uint64_t>(settings.tunes.max_audio_bytes)};
  tunes::House tunes_house{*base.db,   base.account_service, base.accounts, base.tunes_keys,
                           base.clock, base.random,          library_house, settings.server.public_url};
  front.add(tunes::make(core, tunes_house));
  Registry models_registry({*base.db, base.clock, base.random, base.keys, base.ledger, *workshop.store,
                            workshop.objects, workshop.slots, workshop.urls, workshop.key_spaces},
                           settings);
  base.leaving = [leaving = std::move(base.leaving), &models_registry, &tracks](sql::Tx& tx, AccountId account) {
    if (leaving) leaving(tx, account);
    tracks.remove_account(tx, account);
    models_registry.publishing.remove_account(tx, account);
  };
  front.add(registry::make(core, models_registry.house));
  object_store::House objects_house{*workshop.store, workshop.urls, workshop.slots, workshop.key_spaces};
  front.add(object_store::make(core, objects_house));
  const PageContext pages{metrics, [&] { return janitor.healthy(); }, openapi_text(settings),
                          settings.server.operator_token};
  add_pages(front, pages);

  const auto dispatcher = workshop.dispatch(settings);
  metrics.gauge("tollhouse_access_rows_dropped_total", "Rows of the registry's access log lost to a full buffer.",
                [&] { return static_cast<double>(models_registry.recorder.dropped()); });
  metrics.gauge("tollhouse_jobs_running", "Jobs that run in this process now.",
                [&] { return static_cast<double>(dispatcher->running()); });
  metrics.gauge("tollhouse_rate_limit_redis_down",
                "1 while calls are counted without the Redis that should share them.",
                [&] { return counters->state().down ? 1.0 : 0.0; });
  metrics.gauge("tollhouse_rate_limit_redis_outages_total", "Times that Redis became silent.",
                [&] { return static_cast<double>(counters->state().outages); });
  metrics.gauge("tollhouse_rate_limit_local_total", "Calls decided without the Redis that should share their counts.",
                [&] { return static_cast<double>(counters->state().local); });
  metrics.gauge("tollhouse_rate_limit_subjects", "Keys and accounts whose calls are counted in memory.",
                [&] { return static_cast<double>(counters->state().subjects); });
  metrics.gauge("tollhouse_usage_records_dropped_total", "Usage rows lost to a full buffer.",
                [&] { return static_cast<double>(usage.dropped()); });

  const auto [host, port] = config::split_listen(settings.server.listen);
  http::ServerOptions options;
  options.host = host;
  options.port = port;
  options.threads = settings.server.threads > 0 ? static_cast<unsigned>(settings.server.threads)
                                                : std::max(1u, std::thread::hardware_concurrency());
  options.certificate_file = settings.server.certificate;
  options.key_file = settings.server.key;
  options.max_connections = static_cast<std::size_t>(settings.server.max_connections);
  const auto server = listen(options, front);
  log::gather();
  log::info("server.started", {{"listen", host + ":" + std::to_string(server->port())},
                               {"tls", options.certificate_file.empty() ? 0 : 1},
                               {"database", base.db->engine() == sql::Engine::sqlite ? "sqlite" : "postgresql"}});
  log::flush();

  std::jthread stopper([&](std::stop_token) {
    const int signal = wait_for(stop_signals);
    log::info("server.stopping", {{"signal", signal}});
    server->stop();
  });
  server->run();
  dispatcher->stop();
  blocking.join();
  preparing.join();
  disk.join();
  log::info("server.stopped");
  log::flush();
  return 0;
}

int work(const config::Settings& settings) {
  const auto stop_signals = block_stop_signals();
  const auto foundation = lay_foundation(settings);
  Workshop workshop(*foundation->parts, settings);
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
  return lay_foundation(settings);
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
  catalogue.add(probe::make_engine());
  return engine::serve_worker(catalogue, 3, sandbox);
}

}  // namespace toll::app
