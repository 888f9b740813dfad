#include "objects/sweeper.h"

#include <string>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "objects/digest_text.h"

namespace toll::objects {

namespace {

// Rows looked at in one transaction.
constexpr std::size_t batch = 500;

}  // namespace

Sweeper::Sweeper(sql::Database& db, blob::Store& store, const Clock& clock, Options options)
    : db_(db), store_(store), clock_(clock), options_(options) {}

Sweeper::~Sweeper() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

Swept Sweeper::sweep() {
  std::lock_guard sweeping(sweeping_);
  Swept swept;
  const auto mark = clock_.now();
  for (;;) {
    const auto condemned = db_.write([&](sql::Tx& tx) {
      return tx.query(
          "UPDATE blobs SET condemned_at = $1 WHERE refs = 0 AND digest IN (SELECT digest FROM blobs WHERE refs = 0 "
          "LIMIT $2) RETURNING digest",
          mark, batch);
    });
    const auto before = swept.blobs;
    for (const auto& row : condemned) remove_condemned(row.text(0), mark, swept);
    // A batch of which nothing went would come back for ever.
    if (condemned.size() < batch || swept.blobs == before) return swept;
  }
}

void Sweeper::remove_condemned(std::string_view digest, Time mark, Swept& swept) {
  const auto size = db_.write([&](sql::Tx& tx) -> std::optional<std::int64_t> {
    const auto row =
        tx.one("DELETE FROM blobs WHERE digest = $1 AND refs = 0 AND condemned_at = $2 RETURNING size", digest, mark);
    if (!row) return std::nullopt;
    store_.remove(digest_from_text(digest));
    return row->integer(0);
  });
  if (!size) return;
  ++swept.blobs;
  swept.bytes += static_cast<std::uint64_t>(*size);
}

Swept Sweeper::audit() {
  std::lock_guard sweeping(sweeping_);
  // The rows first: a file that comes afterwards then looks like a stray and is asked about again; a row that comes
  // afterwards is not looked at.
  std::unordered_map<std::string, bool> seen;
  const auto rows = db_.read([](sql::Tx& tx) { return tx.query("SELECT digest FROM blobs WHERE refs > 0"); });
  for (const auto& row : rows) seen.emplace(row.text(0), false);
  std::vector<std::pair<Sha256, std::uint64_t>> unknown;
  store_.for_each([&](const Sha256& digest, std::uint64_t size) {
    const auto it = seen.find(digest_text(digest));
    if (it == seen.end())
      unknown.emplace_back(digest, size);
    else
      it->second = true;
  });

  Swept swept;
  for (const auto& [digest, size] : unknown) {
    if (!remove_stray(digest)) continue;
    ++swept.strays;
    swept.bytes += size;
  }
  for (const auto& [digest, there] : seen) {
    if (there || !is_missing(digest)) continue;
    ++swept.missing;
    log::error("blob.missing", {{"digest", digest}});
  }
  return swept;
}

// A row of its own for the length of the transaction makes every attach of the same bytes wait.
bool Sweeper::remove_stray(const Sha256& digest) {
  return db_.write([&](sql::Tx& tx) {
    const auto text = digest_text(digest);
    const auto locked = tx.exec(
        "INSERT INTO blobs (digest, size, crc32, refs, created_at) VALUES ($1, 0, 0, 0, $2) ON CONFLICT (digest) DO "
        "NOTHING",
        text, clock_.now());
    if (locked == 0) return false;
    const bool removed = store_.remove(digest);
    tx.exec("DELETE FROM blobs WHERE digest = $1", text);
    return removed;
  });
}

// Asked again: it may have been detached and swept since the rows were read.
bool Sweeper::is_missing(const std::string& digest) {
  const bool referenced = db_.read(
      [&](sql::Tx& tx) { return tx.one("SELECT 1 FROM blobs WHERE digest = $1 AND refs > 0", digest).has_value(); });
  return referenced && !store_.exists(digest_from_text(digest));
}

void Sweeper::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void Sweeper::wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

void Sweeper::run(std::stop_token stop) {
  std::optional<Time> audited;
  while (!stop.stop_requested()) {
    try {
      if (!audited || clock_.now() - *audited >= options_.audit_interval) {
        audited = clock_.now();
        const auto swept = audit();
        if (swept.strays > 0) log::info("blob.strays_removed", {{"count", swept.strays}, {"bytes", swept.bytes}});
      }
      sweep();
    } catch (const std::exception& failed) {
      log::warn("blob.not_swept", {{"cause", failed.what()}});
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, options_.interval, [this] { return woken_; });
    woken_ = false;
  }
}

}  // namespace toll::objects
