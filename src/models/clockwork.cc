#include "models/clockwork.h"

#include "base/log.h"

namespace toll::models {

namespace {

constexpr std::chrono::seconds interval{1}, purge_interval{600};

}  // namespace

Clockwork::Clockwork(sql::Database& db, const Clock& clock, const Grants& grants, const Uploads& uploads)
    : db_(db), clock_(clock), grants_(grants), uploads_(uploads) {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

Clockwork::~Clockwork() {
  thread_.request_stop();
  thread_.join();
}

// A second in which nothing is due takes a read and no write.
void Clockwork::tick() {
  const auto now = clock_.now();
  const bool due = db_.read([&](sql::Tx& tx) {
    return tx.one("SELECT 1 FROM model_grants WHERE due_at <= $1 LIMIT 1", to_seconds(now)).has_value() ||
           tx.one("SELECT 1 FROM model_uploads WHERE lapsed = 0 AND expires_at < $1 LIMIT 1", now).has_value();
  });
  if (due)
    db_.write([&](sql::Tx& tx) {
      grants_.tick(tx);
      uploads_.tick(tx);
      return true;
    });
}

void Clockwork::run(std::stop_token stop) {
  auto purged = clock_.now();
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, interval, [] { return false; });
    }
    if (stop.stop_requested()) return;
    try {
      tick();
      if (clock_.now() - purged < purge_interval) continue;
      purged = clock_.now();
      db_.write([&](sql::Tx& tx) { return uploads_.purge(tx), true; });
    } catch (const std::exception& failed) {
      log::warn("models.clockwork", {{"cause", failed.what()}});
    }
  }
}

}  // namespace toll::models
