#include "identity/credential_cache.h"

#include <sodium.h>

#include <algorithm>
#include <string>

namespace toll::identity {

CredentialCache::CredentialCache(const Clock& clock, Options options) : clock_(clock), options_(options) {
  static_assert(crypto_shorthash_siphashx24_KEYBYTES == sizeof key_ &&
                crypto_shorthash_siphashx24_BYTES == sizeof(Tag));
  randombytes_buf(key_.data(), key_.size());
}

CredentialCache::Tag CredentialCache::tag_of(const Credential& credential) const {
  // Kind and length of the id keep apart what would otherwise read the same.
  thread_local std::string text;
  text.assign(1, static_cast<char>(credential.kind));
  text.append(std::to_string(credential.id.size())).append(":");
  text.append(credential.id).append(credential.secret);
  Tag tag;
  crypto_shorthash_siphashx24(reinterpret_cast<unsigned char*>(tag.data()),
                              reinterpret_cast<const unsigned char*>(text.data()), text.size(), key_.data());
  sodium_memzero(text.data(), text.size());
  return tag;
}

PrincipalPtr CredentialCache::find(const Tag& tag) const {
  Shard& shard = shard_of(tag);
  std::lock_guard lock(shard.mutex);
  // Under the lock: of two threads the second would else look like a clock that went back.
  const auto now = clock_.now();
  see(shard, now);
  const auto it = shard.entries.find(tag);
  if (it == shard.entries.end() || it->second.until <= now) return nullptr;
  return it->second.principal;
}

void CredentialCache::see(Shard& shard, Time now) {
  if (now < shard.newest) shard.entries.clear();
  shard.newest = now;
}

void CredentialCache::keep(const Tag& tag, PrincipalPtr principal, std::optional<Time> expires_at, std::uint64_t epoch,
                           Time read_at) {
  auto until = read_at + options_.ttl;
  if (expires_at) until = std::min(until, *expires_at);
  Shard& shard = shard_of(tag);
  std::lock_guard lock(shard.mutex);
  const auto now = clock_.now();
  see(shard, now);
  if (read_at > now) return;
  // Looked at under the lock that forget() takes after counting up.
  if (epoch != epoch_.load(std::memory_order_acquire)) return;
  if (shard.entries.size() >= options_.capacity / shard_count) {
    std::erase_if(shard.entries, [&](const auto& entry) { return entry.second.until <= now; });
    if (shard.entries.size() >= options_.capacity / shard_count) shard.entries.clear();
  }
  shard.entries.insert_or_assign(tag, Entry{std::move(principal), until});
}

void CredentialCache::forget(AccountId account) {
  epoch_.fetch_add(1, std::memory_order_acq_rel);
  for (auto& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    std::erase_if(shard.entries, [&](const auto& entry) { return entry.second.principal->account == account; });
  }
}

}  // namespace toll::identity
