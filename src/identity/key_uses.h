// last_used_at without a write a request: the newest use of each key is kept in memory and written in groups.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "sql/database.h"

namespace toll::identity {

// Thread-safe. The destructor writes what is left; a crash loses one interval.
class KeyUses {
 public:
  explicit KeyUses(sql::Database& db, Micros interval = std::chrono::seconds(2));
  ~KeyUses();

  void note(const KeyId& key, Time at);
  // Writes what is noted now; blocking.
  void flush();

 private:
  void run(std::stop_token stop);

  sql::Database& db_;
  const Micros interval_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::unordered_map<KeyId, Time> uses_;
  std::jthread thread_;
};

}  // namespace toll::identity
