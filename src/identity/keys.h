// API keys: stored as HMAC-SHA-256 under the server's key secret, shown once. Every change writes its audit row in the
// caller's transaction and holds for the next request of this process.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/result.h"
#include "identity/audit.h"
#include "identity/key_format.h"
#include "sql/database.h"

namespace toll::identity {

class CredentialCache;

struct Key {
  KeyId id;
  AccountId account;
  KeyKind kind = KeyKind::stems;
  std::string name;
  std::string prefix;     // "sk_AbCd"
  std::string last_four;  // "wxyz"
  bool is_default = false;
  std::vector<std::string> scopes;
  std::string client_id;  // KeyKind::client
  Time created_at;
  std::optional<Time> last_used_at;  // some seconds late
  std::optional<Time> expires_at;

  std::string masked() const { return prefix + "..." + last_four; }
};

// The only time a secret is there to be shown.
struct FreshKey {
  Key key;
  std::string secret;
};

struct NewKey {
  KeyKind kind = KeyKind::stems;
  std::string name;  // trimmed, 1 to 64 code points, unique among the account's keys of this kind
  bool is_default = false;
  std::vector<std::string> scopes;
  std::optional<Time> expires_at;
};

inline constexpr std::size_t max_keys_per_account = 50;  // of one kind
inline constexpr std::string_view default_key_name = "default";

// Another account's key is no key: key_not_found. Thread-safe.
class Keys {
 public:
  Keys(const Clock& clock, Random& random, CredentialCache& cache, std::string hash_secret);

  // Faults: key_exists (a default one is there already), key_name_taken, too_many_keys with `limit`, invalid_request
  // (name), account_not_found.
  Result<FreshKey> create(sql::Tx& tx, AccountId account, const NewKey& key, const Actor& by) const;
  // Newest first.
  std::vector<Key> list(sql::Tx& tx, AccountId account, KeyKind kind) const;
  std::optional<Key> find(sql::Tx& tx, AccountId account, const KeyId& id) const;
  std::optional<Key> find_default(sql::Tx& tx, AccountId account, KeyKind kind) const;
  // Faults: key_not_found, key_name_taken, invalid_request.
  Result<Key> rename(sql::Tx& tx, AccountId account, const KeyId& id, std::string_view name, const Actor& by) const;
  // A new secret for the same id, name, scopes and expiry; the old one fails at once. Faults: key_not_found.
  Result<FreshKey> regenerate(sql::Tx& tx, AccountId account, const KeyId& id, const Actor& by) const;
  // Faults: key_not_found.
  Result<void> remove(sql::Tx& tx, AccountId account, const KeyId& id, const Actor& by) const;

 private:
  std::string hash_of(std::string_view secret) const;
  Result<void> check_room(sql::Tx& tx, AccountId account, KeyKind kind) const;
  void changed(sql::Tx& tx, const Key& key, const Actor& by, std::string_view action) const;

  const Clock& clock_;
  Random& random_;
  CredentialCache& cache_;
  std::string hash_secret_;
};

}  // namespace toll::identity
