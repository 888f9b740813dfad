#include "identity/credential_cache.h"

#include <algorithm>
#include <cstring>

namespace toll::identity {

CredentialCache::CredentialCache(const Clock& clock, Options options) : clock_(clock), options_(options) {}

// The keys are HMACs already: any eight bytes of one are as good as a hash.
std::size_t CredentialCache::DigestHash::operator()(const Sha256& digest) const {
  std::size_t value;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

PrincipalPtr CredentialCache::find(const Sha256& digest) const {
  const auto now = clock_.now();
  const Shard& shard = shard_of(digest);
  std::lock_guard lock(shard.mutex);
  const auto it = shard.entries.find(digest);
  if (it == shard.entries.end() || it->second.until <= now) return nullptr;
  return it->second.principal;
}

void CredentialCache::keep(const Sha256& digest, PrincipalPtr principal, std::optional<Time> expires_at,
                           std::uint64_t epoch) {
  const auto now = clock_.now();
  auto until = now + options_.ttl;
  if (expires_at) until = std::min(until, *expires_at);
  Shard& shard = shard_of(digest);
  std::lock_guard lock(shard.mutex);
  // Looked at under the lock that forget() takes after counting up.
  if (epoch != epoch_.load(std::memory_order_acquire)) return;
  if (shard.entries.size() >= options_.capacity / shard_count) {
    std::erase_if(shard.entries, [&](const auto& entry) { return entry.second.until <= now; });
    if (shard.entries.size() >= options_.capacity / shard_count) shard.entries.clear();
  }
  shard.entries.insert_or_assign(digest, Entry{std::move(principal), until});
}

void CredentialCache::forget(AccountId account) {
  epoch_.fetch_add(1, std::memory_order_acq_rel);
  for (auto& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    std::erase_if(shard.entries, [&](const auto& entry) { return entry.second.principal->account == account; });
  }
}

}  // namespace toll::identity
