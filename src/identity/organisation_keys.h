// Keys of organisations (unst_): a deployment key opens one deployment, a management key the organisation's management.
// Stored as HMAC-SHA-256 under the server's key secret, shown once. Every change writes its audit row in the caller's
// transaction and holds for the next request of this process.
#pragma once

#include <chrono>
#include <cstddef>
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
#include "sql/database.h"

namespace toll::identity {

class CredentialCache;

// What its owners say about a key and may change.
struct OrganisationKeySettings {
  std::string name;                      // 1 to max_organisation_key_name code points; not unique
  std::vector<std::string> allowed_ips;  // rules of address_rules.h; empty: from anywhere
  std::optional<Time> expires_at;        // in the past: it has expired
};

struct OrganisationKey {
  KeyId id;
  std::string organisation;
  std::string deployment;  // empty: a management key
  std::string masked;      // "unst_AbCd...wxyz"
  OrganisationKeySettings settings;
  Time created_at;
  std::optional<Time> last_used_at;  // some seconds late
  std::optional<KeyId> rotated_from, rotated_to;
  std::optional<Time> revoked_at;  // in the future during the grace of a rotation

  bool active(Time now) const {
    return !(revoked_at && *revoked_at <= now) && !(settings.expires_at && *settings.expires_at <= now);
  }
};

struct FreshOrganisationKey {
  OrganisationKey key;
  std::string secret;
};

inline constexpr std::size_t max_organisation_key_name = 100;
inline constexpr std::size_t max_organisation_keys = 1000;  // of an organisation
inline constexpr std::chrono::seconds max_organisation_key_grace{604'800};

// A key of another organisation is no key: key_not_found. Thread-safe.
class OrganisationKeys {
 public:
  OrganisationKeys(const Clock& clock, Random& random, CredentialCache& cache, std::string hash_secret);

  struct Owner {
    std::string organisation;
    AccountId payer;         // the organisation's owner: whose key it is
    std::string deployment;  // empty: a management key
  };
  // Settings have passed the checks of their fields. Faults: limit_reached.
  Result<FreshOrganisationKey> create(sql::Tx& tx, const Owner& owner, const OrganisationKeySettings& settings,
                                      const Actor& by) const;

  struct Listing {
    std::optional<std::string> deployment;  // keys of this one alone
    std::size_t offset = 0, limit = 50;
  };
  struct Page {
    std::vector<OrganisationKey> keys;  // newest first
    std::int64_t count = 0;
  };
  Page list(sql::Tx& tx, std::string_view organisation, const Listing& which) const;
  // `deployment`: only if it is a key of that one.
  std::optional<OrganisationKey> find(sql::Tx& tx, std::string_view organisation, const KeyId& id,
                                      const std::optional<std::string>& deployment = std::nullopt) const;

  // `change` gets the settings as they are now. Faults: key_not_found, key_revoked, those of `change`.
  Result<OrganisationKey> update(sql::Tx& tx, std::string_view organisation, const KeyId& id,
                                 const std::function<Result<void>(OrganisationKeySettings&)>& change,
                                 const Actor& by) const;
  // A new key with the same settings; the old one dies after `grace` (0: at once), or by its own expiry before that.
  // Faults: key_not_found, key_revoked, key_rotated, limit_reached.
  Result<FreshOrganisationKey> rotate(sql::Tx& tx, std::string_view organisation, const KeyId& id,
                                      std::chrono::seconds grace, const Actor& by) const;
  // Repeatable: the first revoked_at stays. Faults: key_not_found.
  Result<OrganisationKey> revoke(sql::Tx& tx, std::string_view organisation, const KeyId& id, const Actor& by) const;
  // It is gone, and opens nothing. Faults: key_not_found.
  Result<void> remove(sql::Tx& tx, std::string_view organisation, const KeyId& id, const Actor& by) const;
  // All keys of a deployment.
  void remove_of_deployment(sql::Tx& tx, std::string_view organisation, std::string_view deployment,
                            const Actor& by) const;

 private:
  Result<FreshOrganisationKey> insert(sql::Tx& tx, const Owner& owner, const OrganisationKeySettings& settings,
                                      const std::optional<KeyId>& rotated_from) const;
  std::optional<AccountId> lock(sql::Tx& tx, std::string_view organisation) const;
  void changed(sql::Tx& tx, AccountId payer, const KeyId& id, const Actor& by, std::string_view action,
               std::string detail = {}) const;

  const Clock& clock_;
  Random& random_;
  CredentialCache& cache_;
  std::string hash_secret_;
};

}  // namespace toll::identity
