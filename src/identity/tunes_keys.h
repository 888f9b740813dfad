// Keys of the tunes surface: environments, scopes, limits of their own, an allow-list, rotation and revocation. Stored
// as HMAC-SHA-256 under the server's key secret, shown once. Every change writes its audit row in the caller's
// transaction and holds for the next request of this process.
#pragma once

#include <cstddef>
#include <cstdint>
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
#include "identity/plans.h"
#include "sql/database.h"

namespace toll::identity {

class CredentialCache;

// A label; every key opens the same things in all of them.
enum class Environment : std::uint8_t { development, staging, production };
inline constexpr std::array all_environments{Environment::development, Environment::staging, Environment::production};
std::string_view to_string(Environment environment);
std::optional<Environment> environment_from(std::string_view name);

enum class KeyStatus : std::uint8_t {
  active,
  inactive,  // switched off; can be switched on again
  expired,
  revoked,  // for ever; also a rotated key after its grace
  rotating  // rotated, and still good for the rest of its grace
};
std::string_view to_string(KeyStatus status);

// What its owner says about a key and may change.
struct TunesKeySettings {
  std::string name;  // 1 to max_tunes_key_name code points, trimmed; not unique
  std::optional<std::string> description;
  std::vector<std::string> scopes;      // of planned_scopes, each once
  OwnLimits limits;                     // unset: the plan's
  std::vector<std::string> allow_list;  // rules of address_rules.h; empty: from anywhere
  std::string metadata = "{}";          // the text of a JSON object
  bool active = true;
};

struct NewTunesKey {
  TunesKeySettings settings;
  Environment environment = Environment::production;
  std::optional<std::int64_t> lifetime_days;  // 1 to max_key_days; a day is 86,400 s
};

struct TunesKey {
  KeyId id;
  AccountId account;
  std::string prefix;  // "tt_AbCdEfGh"
  TunesKeySettings settings;
  Environment environment = Environment::production;
  metering::Limits limits;  // what holds: never above the account's plan of now
  std::optional<std::int64_t> lifetime_days;
  Time created_at, updated_at;
  std::optional<Time> expires_at;
  std::optional<Time> revoked_at;  // in the future during the grace of a rotation
  std::optional<KeyId> rotated_from, rotated_to;
  std::int64_t total_requests = 0;  // these three some seconds late
  std::optional<Time> last_used_at;
  std::optional<std::string> last_used_ip;

  KeyStatus status(Time now) const;
};

struct FreshTunesKey {
  TunesKey key;
  std::string secret;
};

inline constexpr std::int64_t max_tunes_key_name = 100;
inline constexpr std::int64_t max_key_days = 365;
inline constexpr std::int64_t max_rotation_grace = 604'800;      // seconds
inline constexpr std::size_t max_tunes_keys_per_account = 1000;  // revoked ones included, until they are deleted

// Another account's key is no key: key_not_found. Thread-safe.
class TunesKeys {
 public:
  TunesKeys(const Clock& clock, Random& random, CredentialCache& cache, std::string hash_secret);

  // Settings have passed the checks of their fields. Faults: plan_required with `scope` and `plan`, too_many_keys with
  // `limit`, account_not_found.
  Result<FreshTunesKey> create(sql::Tx& tx, AccountId account, const NewTunesKey& key, const Actor& by) const;

  struct Filter {
    std::optional<Environment> environment;
    std::optional<bool> active;  // switched on and not revoked
  };
  // All of them, newest first.
  std::vector<TunesKey> list(sql::Tx& tx, AccountId account, const Filter& filter) const;
  std::optional<TunesKey> find(sql::Tx& tx, AccountId account, const KeyId& id) const;

  // `change` gets the settings as they are now. Scopes that the key did not have before must be of the plan. Faults:
  // key_not_found, key_revoked, plan_required.
  Result<TunesKey> update(sql::Tx& tx, AccountId account, const KeyId& id,
                          const std::function<void(TunesKeySettings&)>& change, const Actor& by) const;
  // A new key with the same settings and a lifetime that starts anew; counters start at zero. The old one dies after
  // `grace` (0: at once), or by its own expiry before that. Faults: key_not_found, key_revoked, key_rotated,
  // too_many_keys.
  Result<FreshTunesKey> rotate(sql::Tx& tx, AccountId account, const KeyId& id, std::chrono::seconds grace,
                               const Actor& by) const;
  // Repeatable: the first revoked_at stays. Faults: key_not_found.
  Result<TunesKey> revoke(sql::Tx& tx, AccountId account, const KeyId& id, const Actor& by) const;
  // Faults: key_not_found.
  Result<void> remove(sql::Tx& tx, AccountId account, const KeyId& id, const Actor& by) const;

  // What the account's plan allows now.
  struct Allowance {
    Plan plan = Plan::free;
    metering::Limits limits;
  };
  // Faults: account_not_found.
  Result<Allowance> allowance(sql::Tx& tx, AccountId account) const;

 private:
  Result<FreshTunesKey> insert(sql::Tx& tx, AccountId account, const NewTunesKey& key,
                               const std::optional<KeyId>& rotated_from) const;
  Result<void> check_room(sql::Tx& tx, AccountId account) const;
  void changed(sql::Tx& tx, AccountId account, const KeyId& id, const Actor& by, std::string_view action,
               std::string detail = {}) const;

  const Clock& clock_;
  Random& random_;
  CredentialCache& cache_;
  std::string hash_secret_;
};

}  // namespace toll::identity
