// Client pairs: an id that may be seen and a secret that is shown once, with absolute quotas. A key may have a slice of
// its account's quota; keys without one share what the slices leave.
//
//   left for a key with a slice:       slice - its own use
//   left for the others, together:     limit - slices of active keys - use by keys without a slice
//                                            - use by keys with a slice that are revoked or expired
//
// Counters (metering::Quotas): each key's own calls are counted under the key, those of keys without a slice under the
// account too.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/result.h"
#include "identity/audit.h"
#include "identity/principal.h"
#include "metering/quota.h"
#include "sql/database.h"

namespace toll::identity {

class CredentialCache;

// Of an account: those that may still be used, and all there ever were.
inline constexpr std::size_t max_active_client_keys = 1000, max_client_keys = 10'000;
inline constexpr std::array<std::string_view, 3> client_permissions{"read", "write", "delete"};

// Of calls, for ever; negative: without limit.
struct ClientLimits {
  std::int64_t query = 15'000, mutation = 10'000;
  bool operator==(const ClientLimits&) const = default;
};

struct ClientKeySettings {
  std::string name;  // any text; need not be unique
  std::vector<std::string> permissions;
  std::optional<std::int64_t> query_slice, mutation_slice;
};

enum class ClientKeyStatus { active, revoked, expired };

struct ClientKey {
  KeyId id;
  AccountId account;
  std::string client_id;
  ClientKeySettings settings;
  std::int64_t query_used = 0, mutation_used = 0;
  Time created_at;
  std::optional<Time> last_used_at, expires_at, revoked_at;

  ClientKeyStatus status(Time now) const;
};

struct FreshClientKey {
  ClientKey key;
  std::string secret;  // shown once
};

// Another account's key is no key: key_not_found. Thread-safe; everything with a Tx runs in the caller's transaction,
// writes its audit row there and holds for the next request of this process.
class ClientKeys {
 public:
  ClientKeys(const Clock& clock, Random& random, CredentialCache& cache, metering::Quotas& quotas,
             std::string hash_secret, ClientLimits defaults);

  // Faults: account_not_found, too_many_keys, invalid_request with problems at `query_slice`, `mutation_slice`.
  Result<FreshClientKey> create(sql::Tx& tx, AccountId account, const ClientKeySettings& settings,
                                std::optional<Time> expires_at, const Actor& by) const;
  // Newest first.
  std::vector<ClientKey> list(sql::Tx& tx, AccountId account, std::size_t limit, std::size_t offset) const;
  std::int64_t count(sql::Tx& tx, AccountId account) const;
  std::optional<ClientKey> find(sql::Tx& tx, AccountId account, std::string_view client_id) const;
  // Faults: key_not_found, key_revoked, invalid_request as create().
  Result<ClientKey> update(sql::Tx& tx, AccountId account, std::string_view client_id,
                           const std::function<void(ClientKeySettings&)>& change, const Actor& by) const;
  // A new secret for the same id; the old one works for `grace` more. Faults: key_not_found, key_revoked.
  Result<FreshClientKey> regenerate(sql::Tx& tx, AccountId account, std::string_view client_id,
                                    std::chrono::seconds grace, const Actor& by) const;
  // Dead at once; stays listed. Harmless when repeated. Faults: key_not_found.
  Result<void> revoke(sql::Tx& tx, AccountId account, std::string_view client_id, const Actor& by) const;

  ClientLimits limits(sql::Tx& tx, AccountId account) const;
  // An administrator's. Slices that stood before stay.
  void set_limits(sql::Tx& tx, AccountId account, const ClientLimits& limits, const Actor& by) const;
  // Calls of all of the account's keys.
  ClientLimits used(sql::Tx& tx, AccountId account) const;
  // 24 hexadecimal characters that stand for the account where its number should not be seen. Made once.
  std::string uid(sql::Tx& tx, AccountId account) const;

 private:
  std::string hash_of(std::string_view secret) const;
  std::vector<ClientKey> select(sql::Tx& tx, AccountId account, std::string_view condition,
                                const std::vector<sql::Value>& more) const;
  Result<void> check_slices(sql::Tx& tx, AccountId account, const KeyId& id, const ClientKeySettings& settings) const;
  void move_use(sql::Tx& tx, const ClientKey& key, std::string_view counter, bool had, bool has) const;
  void changed(sql::Tx& tx, const ClientKey& key, const Actor& by, std::string_view action) const;

  const Clock& clock_;
  Random& random_;
  CredentialCache& cache_;
  metering::Quotas& quotas_;
  const std::string hash_secret_;
  const ClientLimits defaults_;
};

// Who shows this pair; one statement. `hash` is of the secret. nullopt: nobody. The time is when the pair ends, if it
// does. For Authenticator.
struct ClientLookup {
  Principal principal;
  std::optional<Time> ends_at;
};
std::optional<ClientLookup> look_up_client(sql::Tx& tx, std::string_view client_id, std::string_view hash, Time now,
                                           const ClientLimits& defaults);

}  // namespace toll::identity
