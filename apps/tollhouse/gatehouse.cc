#include "tollhouse/gatehouse.h"

#include <stdexcept>

#include "identity/key_uses.h"
#include "metering/usage_report.h"

namespace toll::app {

namespace {

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

identity::Authenticator::Options authenticator_options(const Foundation& base, const config::Settings& settings) {
  const auto& own = settings.registry.admin_token;
  return {.key_secret = base.secrets.keys,
          .session_secret = base.secrets.sessions,
          .admin_token = own.empty() ? settings.server.operator_token : own,
          .client_limits = client_limits(settings)};
}

api::GateOptions gate_options(const config::Limits& limits) {
  return {.session = {limits.session_minute, limits.session_hour, limits.session_day}, .account = account_cap(limits)};
}

void gauges(api::Metrics& metrics, const metering::Counters& counters, const metering::UsageRecorder& usage) {
  metrics.gauge("tollhouse_rate_limit_redis_down",
                "1 while calls are counted without the Redis that should share them.",
                [&] { return counters.state().down ? 1.0 : 0.0; });
  metrics.gauge("tollhouse_rate_limit_redis_outages_total", "Times that Redis became silent.",
                [&] { return static_cast<double>(counters.state().outages); });
  metrics.gauge("tollhouse_rate_limit_local_total", "Calls decided without the Redis that should share their counts.",
                [&] { return static_cast<double>(counters.state().local); });
  metrics.gauge("tollhouse_rate_limit_subjects", "Keys and accounts whose calls are counted in memory.",
                [&] { return static_cast<double>(counters.state().subjects); });
  metrics.gauge("tollhouse_usage_records_dropped_total", "Usage rows lost to a full buffer.",
                [&] { return static_cast<double>(usage.dropped()); });
}

}  // namespace

Gatehouse::Gatehouse(Foundation& base, Workshop& workshop, const config::Settings& settings)
    : idempotency({.owner = base.random.uuid4(), .hash_secret = base.secrets.keys}, base.clock),
      authenticator(base.clock, base.cache, authenticator_options(base, settings)),
      counters(call_counters(settings.limits)),
      gate(*base.db, authenticator, *counters, base.clock, gate_options(settings.limits)),
      core{*base.db, gate, idempotency, *workshop.store, base.clock, blocking, preparing, disk, &base.quotas},
      usage(*base.db, base.clock, {.note_uses = identity::write_key_uses}),
      front(base.clock, base.random, metrics, &usage,
            {.cors_origins = settings.server.cors_origins,
             .requests_per_second = settings.limits.requests_per_second,
             .trusted_proxies = trusted_proxies(settings)}) {
  (void)base.db->write([&](sql::Tx& tx) { return idempotency.recover(tx); });
  counters->preload(base.db->read([&](sql::Tx& tx) {
    return metering::charged_in_current_windows(tx, base.clock.now(),
                                                account_cap(settings.limits) != metering::Limits{});
  }));
  gauges(metrics, *counters, usage);
}

void Gatehouse::join() {
  blocking.join();
  preparing.join();
  disk.join();
}

}  // namespace toll::app
