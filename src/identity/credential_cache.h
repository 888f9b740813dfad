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
#include "identity/principal.h"

namespace toll::identity {

// Thread-safe, bounded.
class CredentialCache {
 public:
  struct Options {
    std::size_t capacity = 65536;
    Micros ttl = std::chrono::seconds(1);
  };
  // What stands for a credential here: SipHash-2-4-128 of it under a key that this process made and shows nobody, so
  // that tags of others cannot be aimed at. Some 30 ns, where the stored HMAC-SHA-256 takes over a microsecond.
  using Tag = std::array<std::uint64_t, 2>;

  explicit CredentialCache(const Clock& clock) : CredentialCache(clock, Options()) {}
  CredentialCache(const Clock& clock, Options options);

  // Null: not known (any more).
  Tag tag_of(const Credential& credential) const;
  PrincipalPtr find(const Tag& tag) const;
  // Kept until the ttl after `read_at` (from before the first read) or `expires_at`, whichever is first; not at all
  // when something was forgotten since `epoch`: what was read may be older than that change.
  void keep(const Tag& tag, PrincipalPtr principal, std::optional<Time> expires_at, std::uint64_t epoch, Time read_at);
  // To be noted before the reading transaction begins.
  std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  // For after_commit of every change to an account, its keys or its sessions.
  void forget(AccountId account);

 private:
  struct Entry {
    PrincipalPtr principal;
    Time until;
  };
  struct TagHash {
    std::size_t operator()(const Tag& tag) const { return static_cast<std::size_t>(tag[0]); }
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<Tag, Entry, TagHash> entries;
    Time newest;  // that this shard has seen
  };
  // A clock that went back would let entries live again: they go.
  static void see(Shard& shard, Time now);
  static constexpr std::size_t shard_count = 16;
  Shard& shard_of(const Tag& tag) const { return shards_[tag[1] % shard_count]; }

  const Clock& clock_;
  const Options options_;
  std::array<unsigned char, 16> key_;  // of the tags
  mutable std::array<Shard, shard_count> shards_;
  std::atomic<std::uint64_t> epoch_{0};
};

}  // namespace toll::identity
