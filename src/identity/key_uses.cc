#include "identity/key_uses.h"

#include <algorithm>

#include "base/log.h"

namespace toll::identity {

KeyUses::KeyUses(sql::Database& db, Micros interval) : db_(db), interval_(interval) {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

KeyUses::~KeyUses() {
  thread_.request_stop();
  thread_.join();
}

void KeyUses::note(const KeyId& key, Time at) {
  std::lock_guard lock(mutex_);
  Time& newest = uses_[key];
  newest = std::max(newest, at);
}

void KeyUses::run(std::stop_token stop) {
  do {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, interval_, [] { return false; });
    }
    try {
      flush();
    } catch (const std::exception& failed) {
      log::warn("key_uses.not_written", {{"cause", failed.what()}});
    }
  } while (!stop.stop_requested());
}

// Uses of a group that the database refuses are lost: the next use of each key is as good.
void KeyUses::flush() {
  std::unordered_map<KeyId, Time> group;
  {
    std::lock_guard lock(mutex_);
    group.swap(uses_);
  }
  if (group.empty()) return;
  // In one order, so that two servers do not wait for each other's rows.
  std::vector<std::pair<KeyId, Time>> ordered(group.begin(), group.end());
  std::sort(ordered.begin(), ordered.end());
  db_.write([&](sql::Tx& tx) {
    for (const auto& [key, at] : ordered)
      tx.exec("UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
              key, at);
    return true;
  });
}

}  // namespace toll::identity
