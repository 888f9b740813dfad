// What was called with each key: recorded on the way of every answer, added up by one thread, written in groups.
//
// record() copies one row of fixed size into the buffer of the calling thread's shard: some 20 ns. The flusher adds the
// rows up by subject and minute and writes each touched sum once a flush, whole, so that a repeated flush is harmless.
// A crash loses at most one interval. Endpoints are counted to the minute.
//
// usage_report.h reads; usage/rollup.h makes hours of minutes and days of hours.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "metering/subject.h"
#include "metering/usage/tally.h"
#include "sql/database.h"

namespace toll::metering {

struct UsageRecord {
  AccountId account;
  Subject subject;            // of the key, or of the account's sessions
  std::string_view endpoint;  // the route's template without the surface's path prefix; lives as long as the process
  int status = 0;
  bool charged = false;  // took a unit of the rate limits
  Micros duration{};
  Time at;                                 // when it was answered
  std::array<std::uint64_t, 2> address{};  // of the caller, IPv4 as mapped IPv6; zero: unknown
};

// What a key was used for since the last time that was told.
struct KeyUse {
  KeyId key;
  std::int64_t calls = 0;
  Time last;
  std::array<std::uint64_t, 2> address{};  // of the last call that had one
};

// Thread-safe. The destructor writes what is left.
class UsageRecorder {
 public:
  struct Options {
    Micros interval = std::chrono::milliseconds(500);
    std::size_t capacity = 65536;     // rows a shard
    std::size_t most_sums = 1 << 18;  // that wait for the database; rows beyond are dropped
    bool rolls_up = true;             // usage/rollup.h once a minute; false: somebody else does
    // Runs in a writing transaction at every third flush, keys in ascending order; may run again if that fails.
    std::function<void(sql::Tx&, std::span<const KeyUse>)> note_uses;
  };
  UsageRecorder(sql::Database& db, const Clock& clock, Options options);
  ~UsageRecorder();

  void record(const UsageRecord& record);
  // Writes what is buffered now, the uses of keys too; blocking. What the database refuses stays and is tried again.
  void flush();
  // Rows lost to a full buffer or an absent database.
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct alignas(64) Shard {
    std::mutex mutex;
    std::vector<UsageRecord> rows;
  };
  static constexpr std::size_t shard_count = 16;

  struct SumKey {
    std::int64_t minute;
    Subject subject;
    std::uint32_t epoch;
    auto operator<=>(const SumKey&) const = default;
  };
  struct SumKeyHash {
    std::size_t operator()(const SumKey& key) const {
      return SubjectHash()(key.subject) + static_cast<std::size_t>(key.minute) * 0x9e3779b97f4a7c15u + key.epoch;
    }
  };
  struct Sum {
    AccountId account;
    Tally tally;
    bool touched = true;
  };
  struct Use {
    std::int64_t calls = 0;
    Time last;
    std::array<std::uint64_t, 2> address{};
  };

  using Sums = std::unordered_map<SumKey, Sum, SumKeyHash>;
  using SumEntry = Sums::value_type;

  void run(std::stop_token stop);
  bool sleep_until(std::stop_token stop, std::chrono::steady_clock::time_point when);
  void roll_up_if_due();
  void drain();
  void add(const UsageRecord& row);
  std::int64_t minute_for(Time at);
  std::uint32_t endpoint_number(std::string_view name);
  void write(bool with_uses);
  void prepare_names_and_writers();
  std::vector<SumEntry*> touched_in_order();
  void write_sums(sql::Tx& tx, std::span<SumEntry* const> touched) const;
  void mark_late_hours(sql::Tx& tx, std::span<SumEntry* const> touched) const;
  void forget_written(std::span<SumEntry* const> written);
  std::vector<KeyUse> uses_in_order() const;

  sql::Database& db_;
  const Clock& clock_;
  const Options options_;
  std::array<Shard, shard_count> shards_;
  std::atomic<std::uint64_t> dropped_{0};

  std::mutex sleeping_;
  std::condition_variable_any wake_;
  bool crowded_ = false;  // under sleeping_: a shard is half full

  std::mutex flushing_;  // guards all below
  Sums sums_;
  std::unordered_map<Subject, Use, SubjectHash> uses_;
  std::unordered_map<std::string_view, std::uint32_t> endpoints_;
  std::vector<std::string_view> endpoint_names_;
  std::vector<std::uint32_t> endpoint_ids_;  // of the database, for the first names
  std::vector<std::int64_t> writers_;        // of the database, for the first epochs
  std::uint32_t epoch_ = 0;
  std::int64_t newest_ = 0;  // minute of this epoch
  std::int64_t closed_ = 0;  // sums up to this minute of this epoch are written and gone
  Time next_rollup_;
  std::jthread thread_;
};

}  // namespace toll::metering
