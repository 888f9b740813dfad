// Accounts. Every change writes its audit row in the caller's transaction and takes effect on the next request of this
// process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "identity/audit.h"
#include "identity/names.h"
#include "identity/plans.h"
#include "sql/database.h"

namespace toll::identity {

class CredentialCache;

struct Account {
  AccountId id;
  std::string email;     // as typed; compared without case
  std::string username;  // trimmed; compared without case
  bool is_admin = false;
  bool active = true;
  Plan plan = Plan::free;
  OwnLimits own_limits;  // of an enterprise account
  Time created_at;
  Time updated_at;
};

struct NewAccount {
  std::string email;
  std::string username;
  std::string password_hash;  // Passwords::hash, made outside the transaction
};

// Stateless but for its collaborators; thread-safe. Faults of every function that takes an id: account_not_found.
class Accounts {
 public:
  struct Options {
    std::vector<std::string> admin_emails;  // if any: these become administrators when they register, nobody else does
    Plan plan = Plan::free;                 // of new accounts
  };
  Accounts(const Clock& clock, CredentialCache& cache, Options options);

  // The very first account becomes an administrator unless admin_emails names some; exactly one, also under
  // parallel registration. Faults: email_taken, username_taken, invalid_request with the field problems.
  Result<Account> create(sql::Tx& tx, const NewAccount& account, const Actor& by) const;

  std::optional<Account> find(sql::Tx& tx, AccountId id) const;
  std::optional<Account> find_by_email(sql::Tx& tx, std::string_view email) const;
  // Newest first, ids below `before` if given.
  std::vector<Account> list(sql::Tx& tx, std::size_t limit, std::optional<AccountId> before = std::nullopt) const;
  std::optional<std::string> password_hash(sql::Tx& tx, AccountId id) const;

  // Faults: email_taken, invalid_request (bad_email).
  Result<void> set_email(sql::Tx& tx, AccountId id, std::string_view email, const Actor& by) const;
  // Faults: username_too_short, username_taken, invalid_request.
  Result<void> set_username(sql::Tx& tx, AccountId id, std::string_view username, const Actor& by) const;
  // Ends all sessions.
  Result<void> set_password_hash(sql::Tx& tx, AccountId id, std::string_view hash, const Actor& by) const;
  // Disabling binds keys and sessions at once and ends the sessions. Faults: cannot_disable_admin.
  Result<void> set_active(sql::Tx& tx, AccountId id, bool active, const Actor& by) const;
  Result<void> set_admin(sql::Tx& tx, AccountId id, bool admin, const Actor& by) const;
  // Holds for the next request of every key and session. Own limits are kept, but count on enterprise only.
  Result<void> set_plan(sql::Tx& tx, AccountId id, Plan plan, const Actor& by) const;
  Result<void> set_own_limits(sql::Tx& tx, AccountId id, const OwnLimits& limits, const Actor& by) const;
  // The row, its sessions and keys go; email and user name are free again; the id is never used again. The caller
  // cancels jobs and detaches objects in the same transaction.
  Result<void> remove(sql::Tx& tx, AccountId id, const Actor& by) const;

 private:
  bool becomes_admin(sql::Tx& tx, std::string_view folded_email) const;
  Result<void> changed(sql::Tx& tx, AccountId id, std::int64_t rows, const Actor& by, std::string_view action,
                       std::string detail = {}) const;

  const Clock& clock_;
  CredentialCache& cache_;
  Options options_;
};

}  // namespace toll::identity
