// Accounts, keys and sessions over a fresh database, with a clock that stands still.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "identity/accounts.h"
#include "identity/authenticator.h"
#include "identity/credential_cache.h"
#include "identity/keys.h"
#include "identity/sessions.h"
#include "sql/testing/databases.h"

namespace toll::identity {

class IdentityTest : public ::testing::TestWithParam<sql::Engine> {
 protected:
  void SetUp() override {
    TOLL_SKIP_WITHOUT(GetParam());
    database_ = sql::testing::fresh_database(GetParam());
  }
  sql::Database& db() { return *database_; }

  // f(tx) in a transaction that is written
  template <class F>
  auto write(F f) {
    return db().write(f);
  }
  Result<Account> create(std::string_view email, std::string_view username) {
    return write([&](sql::Tx& tx) {
      return accounts.create(tx, {std::string(email), std::string(username), "hash"}, operator_actor());
    });
  }
  Account ada() { return create("ada@example.org", "Ada").value(); }
  FreshKey make_key(AccountId account, std::string_view name, KeyKind kind = KeyKind::stems) {
    return write(
               [&](sql::Tx& tx) { return keys.create(tx, account, {.kind = kind, .name = std::string(name)}, actor); })
        .value();
  }
  SessionToken sign_in(AccountId account) {
    return write([&](sql::Tx& tx) { return sessions.open(tx, account); });
  }
  Result<Principal> who(CredentialKind kind, std::string_view secret, std::string_view id = "") {
    auto answer = authenticator.authenticate(db(), {kind, secret, id});
    if (!answer) return std::move(answer).error();
    return **answer;
  }
  Reason refusal(CredentialKind kind, std::string_view secret, std::string_view id = "") {
    const auto principal = who(kind, secret, id);
    return principal ? Reason::internal : principal.error().reason();
  }
  std::vector<std::string> audited() {
    std::vector<std::string> actions;
    for (auto& row : db().read([](sql::Tx& tx) { return audit_log(tx, 100); })) actions.push_back(row.action);
    return actions;
  }

  const std::string key_secret = "the key secret of these tests, long enough";
  const std::string session_secret = "the session secret of these tests, long enough";
  const std::string admin_token = "the operator's own token of these tests";
  TestClock clock;
  TestRandom random;
  CredentialCache cache{clock};
  Accounts accounts{clock, cache, {}};
  Keys keys{clock, random, cache, key_secret};
  Sessions sessions{clock, random, cache, {.secret = session_secret}};
  Authenticator authenticator{clock, cache, {key_secret, session_secret, admin_token}};
  const Actor actor{AccountId(1), "session", "req-1"};

 private:
  sql::testing::Fresh database_;
};

#define TOLL_ON_EVERY_ENGINE(Suite)                                                            \
  INSTANTIATE_TEST_SUITE_P(Engines, Suite, ::testing::ValuesIn(::toll::sql::testing::engines), \
                           ::toll::sql::testing::engine_name)

}  // namespace toll::identity
