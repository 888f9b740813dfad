// Whom a count belongs to: 128 bits, so that the hot path neither copies nor hashes text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"

namespace toll::metering {

struct Subject {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const Subject&) const = default;
  explicit operator bool() const { return high != 0 || low != 0; }

  // The UUID's own bits; text that is no UUID gets bits of its own (FNV-1a, for tests and foreign ids). About 20 ns:
  // keep it beside the credential.
  static Subject of_key(const KeyId& key);
  static Subject of_sessions(AccountId account) { return {1, static_cast<std::uint64_t>(account.value())}; }
  static Subject of_account(AccountId account) { return {2, static_cast<std::uint64_t>(account.value())}; }

  // As a UUID; nullopt for those of accounts.
  std::optional<KeyId> key() const;
  // 16 bytes, most significant first: the form in the database.
  std::string bytes() const;
  static Subject from_bytes(std::string_view bytes);
};

// Subjects of keys are random already, those of accounts are counted.
struct SubjectHash {
  std::size_t operator()(const Subject& subject) const {
    const auto mixed = (subject.high ^ (subject.low * 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;
    return static_cast<std::size_t>(mixed ^ (mixed >> 32));
  }
};

}  // namespace toll::metering
