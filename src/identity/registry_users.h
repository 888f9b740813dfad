// Accounts as the registry makes them: an address, a name, a role and one key; no password.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/result.h"
#include "identity/audit.h"
#include "identity/keys.h"
#include "identity/roles.h"
#include "metering/ledger.h"
#include "sql/database.h"

namespace toll::identity {

struct RegistryUser {
  AccountId account;
  std::string email, name;
  Role role = Role::developer;
};

struct FreshUser {
  RegistryUser user;
  std::string secret;  // of its key: shown once
};

// Why this is no address for the registry ("must have one @ with text on both sides"); nullopt: it is one. Looser than
// email_problem(): nothing is ever sent there.
std::optional<std::string> registry_email_problem(std::string_view email);

// Stateless but for its collaborators; thread-safe.
class RegistryUsers {
 public:
  struct Options {
    bool open = true;                   // whether anybody may register
    std::vector<std::string> allowed;   // addresses, or domains as "@example.com"; empty: all
    metering::Credits starter_credits;  // as every new account gets
  };
  RegistryUsers(const Clock& clock, Random& random, const Keys& keys, const metering::Ledger& ledger, Options options);

  // A developer. Faults: registration_closed, email_not_allowed, email_taken.
  Result<FreshUser> register_self(sql::Tx& tx, std::string_view email, std::string_view name, const Actor& by) const;
  // By an administrator, whatever registration allows. Faults: email_taken.
  Result<FreshUser> create(sql::Tx& tx, std::string_view email, std::string_view name, Role role,
                           const Actor& by) const;
  // A new key in the place of all registry keys of the account, which fail at once. Of two rotations with one key the
  // second gets bad_key. Faults: bad_key, account_not_found.
  Result<FreshUser> rotate(sql::Tx& tx, AccountId account, const std::optional<KeyId>& shown, const Actor& by) const;

  std::optional<RegistryUser> find(sql::Tx& tx, AccountId account) const;
  std::optional<RegistryUser> find_by_email(sql::Tx& tx, std::string_view email) const;

 private:
  bool allowed(std::string_view email) const;

  const Clock& clock_;
  Random& random_;
  const Keys& keys_;
  const metering::Ledger& ledger_;
  Options options_;
};

}  // namespace toll::identity
