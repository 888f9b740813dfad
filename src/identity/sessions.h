// Sessions: JWTs (RFC 7519) signed with HS256, each with a row so that it can be ended before it expires.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/result.h"
#include "sql/database.h"

namespace toll::identity {

class CredentialCache;

struct Claims {
  AccountId account;  // sub, a decimal integer as a string
  std::string id;     // jti
  Time issued_at;
  Time expires_at;
};

// Signature, algorithm (exactly HS256), exp and sub; no look at the database. Faults: bad_session; bad_session_subject
// when everything else is right and sub is not an integer.
Result<Claims> parse_token(std::string_view token, std::string_view secret, Time now);
std::string make_token(const Claims& claims, std::string_view secret);

struct SessionToken {
  std::string token;
  std::string id;
  Time expires_at;
};

// Thread-safe.
class Sessions {
 public:
  struct Options {
    std::string secret;
    Micros lifetime = std::chrono::hours(24 * 30);
  };
  Sessions(const Clock& clock, Random& random, CredentialCache& cache, Options options);

  SessionToken open(sql::Tx& tx, AccountId account) const;
  // False when there is no such session of this account.
  bool end(sql::Tx& tx, AccountId account, std::string_view id) const;
  void end_all(sql::Tx& tx, AccountId account) const;
  // Removes up to `limit` expired rows.
  std::int64_t purge(sql::Tx& tx, std::size_t limit = 1000) const;

 private:
  const Clock& clock_;
  Random& random_;
  CredentialCache& cache_;
  Options options_;
};

}  // namespace toll::identity
