// Credential -> Principal.
//
// On an I/O thread: cached(), and when that knows nothing, authenticate(db, ...) at once if db.reads_are_cheap(), else
// on a pool:
//
//   auto known = authenticator.cached(credential);
//   Result<PrincipalPtr> who = known ? *std::move(known) : ... authenticator.authenticate(db, credential);
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "identity/client_keys.h"
#include "identity/credential_cache.h"
#include "identity/principal.h"
#include "sql/database.h"

namespace toll::identity {

// Faults, everywhere: bad_key (unknown, malformed, expired, inactive, revoked; a tunes key also when its account is
// disabled), bad_session (bad, expired, ended), bad_session_subject, account_gone, account_disabled. Thread-safe.
class Authenticator {
 public:
  struct Options {
    std::string key_secret;
    std::string session_secret;
    std::string admin_token;         // empty: there is none
    ClientLimits client_limits = {};  // of accounts without limits of their own
  };
  Authenticator(const Clock& clock, CredentialCache& cache, Options options);

  // The answer that needs no database: what is cached, what is malformed, the admin token. nullopt: look it up.
  std::optional<Result<PrincipalPtr>> cached(const Credential& credential) const;
  // One indexed read. `epoch` is cache().epoch() from before the transaction began.
  Result<PrincipalPtr> authenticate(sql::Tx& tx, const Credential& credential, std::uint64_t epoch) const;
  // cached(), else the read: on this thread where reads are cheap, else blocking on the database's.
  Result<PrincipalPtr> authenticate(sql::Database& db, const Credential& credential) const;

  CredentialCache& cache() const { return cache_; }

 private:
  Result<PrincipalPtr> look_up_key(sql::Tx& tx, const Credential& credential, std::uint64_t epoch) const;
  Result<PrincipalPtr> look_up_pair(sql::Tx& tx, const Credential& credential, std::uint64_t epoch) const;
  Result<PrincipalPtr> look_up_session(sql::Tx& tx, const Credential& credential, std::uint64_t epoch) const;

  const Clock& clock_;
  CredentialCache& cache_;
  Options options_;
};

}  // namespace toll::identity
