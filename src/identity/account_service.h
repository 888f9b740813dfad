// What people do with their account, as whole use cases: passwords are hashed outside the transaction, everything else
// inside one. All functions block (a hash takes some 66 ms): run them on the pool for passwords.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "identity/accounts.h"
#include "identity/keys.h"
#include "identity/login_throttle.h"
#include "identity/passwords.h"
#include "identity/sessions.h"
#include "metering/ledger.h"
#include "sql/database.h"

namespace toll::identity {

struct Registration {
  std::string email;
  std::string username;
  std::string password;
};

struct SignedIn {
  Account account;
  SessionToken session;
  metering::Credits credits;
};

// Thread-safe.
class AccountService {
 public:
  struct Options {
    metering::Credits starter_credits = metering::whole_credits(3);
  };
  // Cancels the account's jobs and detaches its objects, in the transaction that deletes it.
  using Leaving = std::function<void(sql::Tx&, AccountId)>;

  AccountService(sql::Database& db, const Accounts& accounts, const Sessions& sessions, const Passwords& passwords,
                 LoginThrottle& throttle, const metering::Ledger& ledger, Options options, Leaving leaving = {});

  // Account, welcome credits ("Welcome bonus - 3 free credits", reference "registration") and first session. Faults: as
  // Accounts::create; invalid_request also for a bad password.
  Result<SignedIn> register_account(const Registration& registration, const Actor& by) const;
  // Faults: wrong_login, account_disabled (only with the right password), too_many_logins. As slow for unknown
  // accounts.
  Result<SignedIn> login(std::string_view email, std::string_view password, std::string_view address) const;
  // Ends all sessions. Faults: wrong_current_password, password_too_short, invalid_request, account_not_found.
  Result<void> change_password(AccountId account, std::string_view current, std::string_view next,
                               const Actor& by) const;
  // Account, keys and sessions go; the ledger stays, without texts that people wrote. Faults: wrong_password,
  // account_not_found.
  Result<void> delete_account(AccountId account, std::string_view password, const Actor& by) const;

 private:
  Result<std::string> verified_hash(AccountId account, std::string_view password, Reason wrong) const;
  SignedIn signed_in(sql::Tx& tx, Account account) const;

  sql::Database& db_;
  const Accounts& accounts_;
  const Sessions& sessions_;
  const Passwords& passwords_;
  LoginThrottle& throttle_;
  const metering::Ledger& ledger_;
  Options options_;
  Leaving leaving_;
};

}  // namespace toll::identity
