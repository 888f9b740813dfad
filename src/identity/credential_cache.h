// Who a credential belongs to, remembered for at most a second: other processes' changes are seen by then, this
// process's at once. find() copies nothing and allocates nothing.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/clock.h"
#include "base/digest.h"
#include "identity/principal.h"

namespace toll::identity {

// Thread-safe, bounded.
class CredentialCache {
 public:
  struct Options {
    std::size_t capacity = 65536;
    Micros ttl = std::chrono::seconds(1);
  };
  explicit CredentialCache(const Clock& clock) : CredentialCache(clock, Options()) {}
  CredentialCache(const Clock& clock, Options options);

  // Null: not known (any more).
  PrincipalPtr find(const Sha256& digest) const;
  // Kept until the ttl or `expires_at`, whichever is first; not at all when something was forgotten since `epoch`: what
  // was read may be older than that change.
  void keep(const Sha256& digest, PrincipalPtr principal, std::optional<Time> expires_at, std::uint64_t epoch);
  // To be noted before the reading transaction begins.
  std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  // For after_commit of every change to an account, its keys or its sessions.
  void forget(AccountId account);

 private:
  struct Entry {
    PrincipalPtr principal;
    Time until;
  };
  struct DigestHash {
    std::size_t operator()(const Sha256& digest) const;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<Sha256, Entry, DigestHash> entries;
  };
  static constexpr std::size_t shard_count = 16;
  Shard& shard_of(const Sha256& digest) { return shards_[static_cast<std::size_t>(digest[31]) % shard_count]; }
  const Shard& shard_of(const Sha256& digest) const {
    return shards_[static_cast<std::size_t>(digest[31]) % shard_count];
  }

  const Clock& clock_;
  const Options options_;
  std::array<Shard, shard_count> shards_;
  std::atomic<std::uint64_t> epoch_{0};
};

}  // namespace toll::identity
