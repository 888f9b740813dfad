// Absolute quotas: so many calls, ever. The counter is in the database and is taken in blocks, so that the hot path
// writes nothing; what a process holds of a block dies with it. Never more is spent than the limit, after a crash
// too; a crash loses at most the block.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "metering/subject.h"
#include "sql/database.h"

namespace toll::metering {

// What one process holds of one counter: a pure state machine.
class QuotaBlock {
 public:
  // False: nothing was taken; reserve, then try again. When the limit was lowered below what is known to be used,
  // nothing is left, whatever the block holds; what others have reserved since the last reservation is not known here.
  bool spend(std::int64_t units, std::int64_t limit) {
    if (left_ < units || used() + units > limit) return false;
    left_ -= units;
    return true;
  }
  // What to reserve when spend() said no: units at least, block at most, and near the limit less, so that a process
  // does not sit on what another one could spend.
  static std::int64_t wanted(std::int64_t units, std::int64_t limit, std::int64_t reserved, std::int64_t block);
  // What the database granted (0: nothing was left) and what stands reserved there now, by everybody.
  void granted(std::int64_t units, std::int64_t reserved);
  // Takes all out, to be given back to the database.
  std::int64_t give_back();

  std::int64_t left() const { return left_; }
  // Used by everybody, as far as is known here: what others hold and have not spent counts as used.
  std::int64_t used() const { return reserved_ - left_; }

 private:
  std::int64_t left_ = 0;
  std::int64_t reserved_ = 0;
};

// The database's half. Of a quota `limit` (negative: there is none); another limit may come with each call.
// Reserves up to `units`, never beyond the limit. Writes.
struct Reserved {
  std::int64_t granted = 0;
  std::int64_t total = 0;  // reserved by everybody
};
Reserved reserve_quota(sql::Tx& tx, const Subject& subject, std::string_view counter, std::int64_t units,
                       std::int64_t limit);
void give_quota_back(sql::Tx& tx, const Subject& subject, std::string_view counter, std::int64_t units);
std::int64_t reserved_quota(sql::Tx& tx, const Subject& subject, std::string_view counter);

inline constexpr std::string_view query_quota = "query", mutation_quota = "mutation";
// A limit that nobody reaches: calls are counted all the same.
inline constexpr std::int64_t unlimited_quota = std::int64_t{1} << 60;

// Who pays for a caller's calls of one kind: its key from a slice of its own, or the account, whose keys then share.
struct Allowance {
  Subject payer;
  std::int64_t limit = unlimited_quota;
  bool shared = false;  // the payer is not the caller: the caller's own calls are counted besides
};
struct Allowances {
  Allowance query, mutation;
  const Allowance& of(std::string_view counter) const { return counter == query_quota ? query : mutation; }
};

// Thread-safe. The destructor gives back what was not spent.
class Quotas {
 public:
  struct Options {
    std::int64_t block = 64;
    // How long "used up" is believed: by then somebody may have given something back.
    Micros refusal = std::chrono::seconds(1);
  };
  Quotas(sql::Database& db, const Clock& clock, Options options);
  Quotas(const Quotas&) = delete;
  Quotas& operator=(const Quotas&) = delete;
  ~Quotas();

  struct Charge {
    Subject subject;
    std::string_view counter;  // lives as long as the process: "query"
    std::int64_t limit = 0;    // negative: none, nothing is counted
    std::int64_t units = 1;    // 0: only asks what remains
  };
  struct Outcome {
    bool admitted = false;
    std::int64_t remaining = 0;  // after this; 0 without a limit
    bool operator==(const Outcome&) const = default;
  };
  // For I/O threads: the answer if it is in memory. nullopt: nothing has been done, call charge().
  std::optional<Outcome> charge_now(const Charge& charge);
  // Calls `answer` once, at once or on a database thread; with an exception when the database fails. Those that wait
  // for the same counter share one reservation.
  using Answer = std::function<void(std::exception_ptr, std::optional<Outcome>)>;
  void charge(const Charge& charge, Answer answer);
  // Gives back what this process holds of a counter in the caller's transaction: what is reserved afterwards was spent,
  // or is held by others. If the transaction is undone the units are lost, never spent twice.
  void give_back(sql::Tx& tx, const Subject& subject, std::string_view counter);
  // Gives back what this process holds of a counter and forgets what it knew: after the counter was changed otherwise,
  // or when nobody will spend of it again.
  void settle(const Subject& subject, std::string_view counter);
  // What was used, as far as this process knows; reads.
  std::int64_t used(sql::Tx& tx, const Subject& subject, std::string_view counter);

 private:
  struct Name {
    Subject subject;
    std::string_view counter;
    bool operator==(const Name&) const = default;
  };
  struct NameHash {
    std::size_t operator()(const Name& name) const {
      return SubjectHash()(name.subject) + std::hash<std::string_view>()(name.counter);
    }
  };
  struct Waiting {
    Charge charge;
    Answer answer;
  };
  struct Held {
    QuotaBlock block;
    std::optional<Time> used_up_until;
    std::int64_t refused_limit = 0;  // of that refusal
    bool known = false;              // the block knows what is reserved
    bool asking = false;
    std::vector<Waiting> waiting;
  };
  struct Shard {
    std::mutex mutex;
    std::condition_variable quiet;
    std::size_t asking = 0;
    std::unordered_map<Name, Held, NameHash> held;
  };
  static constexpr std::size_t shard_count = 16;
  static constexpr std::size_t most_a_shard = 65536;  // before those that hold nothing are forgotten

  Shard& shard_of(const Name& name) { return shards_[NameHash()(name) % shard_count]; }
  std::optional<Outcome> try_spend(Held& held, const Charge& charge) const;
  void ask(const Name& name, const Charge& charge);
  void asked(const Name& name, const Charge& charge, Reserved reserved, std::exception_ptr failed);

  sql::Database& db_;
  const Clock& clock_;
  const Options options_;
  std::array<Shard, shard_count> shards_;
};

}  // namespace toll::metering
