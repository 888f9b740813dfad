// Usage rows: one a counted request, written in groups by one thread. record() costs a lock and a copy. A crash loses
// at most one interval of rows; a full ring drops new rows and counts them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "sql/database.h"

namespace toll::metering {

struct UsageRecord {
  AccountId account;
  std::optional<KeyId> key;
  std::string endpoint;  // the route's template
  std::string method;
  int status = 0;
  Micros duration{};
  Time at;
};

// Thread-safe. The destructor writes what is left.
class UsageRecorder {
 public:
  struct Options {
    std::size_t capacity = 65536;
    Micros interval = std::chrono::milliseconds(500);
  };
  UsageRecorder(sql::Database& db, Options options);
  ~UsageRecorder();

  void record(UsageRecord record);
  // Writes what is buffered now; blocking. Rows stay buffered when the database refuses.
  void flush();
  std::uint64_t dropped() const;

 private:
  void run(std::stop_token stop);

  sql::Database& db_;
  const Options options_;
  mutable std::mutex mutex_;
  std::mutex flushing_;
  std::condition_variable_any wake_;
  std::vector<UsageRecord> buffer_;
  std::uint64_t dropped_ = 0;
  std::jthread thread_;
};

// Newest first.
std::vector<UsageRecord> recent_usage(sql::Tx& tx, AccountId account, std::size_t limit);

}  // namespace toll::metering
