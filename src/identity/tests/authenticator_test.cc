#include "identity/authenticator.h"

#include <gtest/gtest.h>

#include <set>

#include "identity/tests/fixture.h"

namespace toll::identity {
namespace {

using std::chrono::seconds;

class AuthenticatorTest : public IdentityTest {
 protected:
  void SetUp() override {
    IdentityTest::SetUp();
    if (IsSkipped()) return;
    create("root@example.org", "root").value();
    account = ada().id;
  }
  AccountId account;
};

TEST_P(AuthenticatorTest, a_session_is_its_account) {
  const auto session = sign_in(account);
  const auto principal = who(CredentialKind::session, session.token).value();
  EXPECT_EQ(principal.account, account);
  EXPECT_TRUE(principal.by_session());
  EXPECT_EQ(principal.session_id, session.id);
  EXPECT_EQ(principal.plan, Plan::free);
  EXPECT_FALSE(principal.admin);
}

TEST_P(AuthenticatorTest, a_key_of_each_kind_is_its_account_on_its_own_surface_only) {
  const std::pair<KeyKind, CredentialKind> kinds[] = {{KeyKind::stems, CredentialKind::stems_key},
                                                      {KeyKind::tunes, CredentialKind::tunes_key},
                                                      {KeyKind::deployment, CredentialKind::deployment_key},
                                                      {KeyKind::registry, CredentialKind::registry_key}};
  for (const auto& [kind, credential] : kinds) {
    const auto key = make_key(account, "key", kind);
    const auto principal = who(credential, key.secret).value();
    EXPECT_EQ(principal.account, account);
    EXPECT_EQ(principal.key, key.key.id);
    for (const auto& [unused, foreign] : kinds)
      if (foreign != credential) {
        EXPECT_EQ(refusal(foreign, key.secret), Reason::bad_key);
      }
    EXPECT_EQ(refusal(CredentialKind::session, key.secret), Reason::bad_session);
  }
}

TEST_P(AuthenticatorTest, the_admin_token_is_compared_whole) {
  const auto principal = who(CredentialKind::admin_token, admin_token).value();
  EXPECT_TRUE(principal.admin);
  EXPECT_EQ(principal.account, AccountId(0));
  EXPECT_EQ(refusal(CredentialKind::admin_token, admin_token + "x"), Reason::bad_admin_token);
  const Authenticator without(clock, cache, {key_secret, session_secret, ""});
  EXPECT_FALSE(without.authenticate(db(), {CredentialKind::admin_token, "", ""}));
}

TEST_P(AuthenticatorTest, malformed_credentials_need_no_database) {
  for (auto secret : {"", "sk_wrong", "sk_live_x", "tt_"}) {
    const auto answer = authenticator.cached({CredentialKind::stems_key, secret, ""});
    ASSERT_TRUE(answer) << secret;
    EXPECT_EQ(answer->error().reason(), Reason::bad_key);
  }
  EXPECT_TRUE(authenticator.cached({CredentialKind::session, "not a token", ""}));
}

TEST_P(AuthenticatorTest, a_known_credential_needs_no_database_for_a_second) {
  const auto secret = make_key(account, "key").secret;
  const Credential key{CredentialKind::stems_key, secret, ""};
  EXPECT_FALSE(authenticator.cached(key));
  ASSERT_TRUE(authenticator.authenticate(db(), key));
  EXPECT_TRUE(authenticator.cached(key));
  clock.advance(seconds(1));
  EXPECT_FALSE(authenticator.cached(key));
}

TEST_P(AuthenticatorTest, an_expired_key_is_a_bad_one_from_its_second_on) {
  const auto key =
      write([&](sql::Tx& tx) {
        return keys.create(tx, account, {.name = "short", .expires_at = clock.now() + Micros(500'000)}, actor);
      }).value();
  EXPECT_TRUE(who(CredentialKind::stems_key, key.secret));
  clock.advance(Micros(500'000));
  EXPECT_EQ(refusal(CredentialKind::stems_key, key.secret), Reason::bad_key);
}

TEST_P(AuthenticatorTest, a_session_ends_after_thirty_days) {
  const auto session = sign_in(account);
  clock.advance(std::chrono::hours(24 * 30) - seconds(1));
  EXPECT_TRUE(who(CredentialKind::session, session.token));
  clock.advance(seconds(1));
  EXPECT_EQ(refusal(CredentialKind::session, session.token), Reason::bad_session);
  EXPECT_EQ(write([&](sql::Tx& tx) { return sessions.purge(tx); }), 1);
}

TEST_P(AuthenticatorTest, logging_out_ends_one_session_at_once) {
  const auto one = sign_in(account), two = sign_in(account);
  ASSERT_TRUE(who(CredentialKind::session, one.token));
  EXPECT_FALSE(write([&](sql::Tx& tx) { return sessions.end(tx, AccountId(999), one.id); }));
  EXPECT_TRUE(write([&](sql::Tx& tx) { return sessions.end(tx, account, one.id); }));
  EXPECT_EQ(refusal(CredentialKind::session, one.token), Reason::bad_session);
  EXPECT_TRUE(who(CredentialKind::session, two.token));
}

TEST_P(AuthenticatorTest, a_new_password_ends_all_sessions_and_no_key) {
  const auto session = sign_in(account);
  const auto key = make_key(account, "key");
  ASSERT_TRUE(who(CredentialKind::session, session.token));
  ASSERT_TRUE(write([&](sql::Tx& tx) { return accounts.set_password_hash(tx, account, "new", actor); }));
  EXPECT_EQ(refusal(CredentialKind::session, session.token), Reason::bad_session);
  EXPECT_TRUE(who(CredentialKind::stems_key, key.secret));
}

TEST_P(AuthenticatorTest, a_disabled_account_is_told_so_and_its_sessions_stay_ended) {
  const auto session = sign_in(account);
  const auto key = make_key(account, "key");
  ASSERT_TRUE(who(CredentialKind::session, session.token));
  ASSERT_TRUE(who(CredentialKind::stems_key, key.secret));
  ASSERT_TRUE(write([&](sql::Tx& tx) { return accounts.set_active(tx, account, false, actor); }));
  EXPECT_EQ(refusal(CredentialKind::session, session.token), Reason::account_disabled);
  EXPECT_EQ(refusal(CredentialKind::stems_key, key.secret), Reason::account_disabled);
  ASSERT_TRUE(write([&](sql::Tx& tx) { return accounts.set_active(tx, account, true, actor); }));
  EXPECT_EQ(refusal(CredentialKind::session, session.token), Reason::bad_session);
  EXPECT_TRUE(who(CredentialKind::stems_key, key.secret));
}

TEST_P(AuthenticatorTest, a_deleted_account_is_gone_at_once) {
  const auto session = sign_in(account);
  const auto key = make_key(account, "key");
  ASSERT_TRUE(who(CredentialKind::stems_key, key.secret));
  ASSERT_TRUE(write([&](sql::Tx& tx) { return accounts.remove(tx, account, actor); }));
  EXPECT_EQ(refusal(CredentialKind::session, session.token), Reason::account_gone);
  EXPECT_EQ(refusal(CredentialKind::stems_key, key.secret), Reason::bad_key);
}

TEST_P(AuthenticatorTest, a_new_role_counts_from_the_next_request_on) {
  const auto session = sign_in(account);
  EXPECT_FALSE(who(CredentialKind::session, session.token)->admin);
  ASSERT_TRUE(write([&](sql::Tx& tx) { return accounts.set_admin(tx, account, true, actor); }));
  EXPECT_TRUE(who(CredentialKind::session, session.token)->admin);
}

// A read that began before a change must not bring the old answer back into the cache.
TEST_P(AuthenticatorTest, a_slow_look_up_does_not_outlive_a_change) {
  const auto secret = make_key(account, "key").secret;
  const Credential key{CredentialKind::stems_key, secret, ""};
  const auto epoch = cache.epoch();
  db().read([&](sql::Tx& tx) {
        EXPECT_TRUE(tx.one("SELECT 1 FROM accounts"));
        cache.forget(account);
        return authenticator.authenticate(tx, key, epoch);
      })
      .value();
  EXPECT_FALSE(authenticator.cached(key));
}

// Another process changes the table; this one sees it a second later at most.
TEST_P(AuthenticatorTest, changes_elsewhere_are_seen_within_a_second) {
  const auto key = make_key(account, "key");
  ASSERT_TRUE(who(CredentialKind::stems_key, key.secret));
  write([&](sql::Tx& tx) { return tx.exec("DELETE FROM api_keys"); });
  EXPECT_TRUE(who(CredentialKind::stems_key, key.secret));
  clock.advance(seconds(1));
  EXPECT_EQ(refusal(CredentialKind::stems_key, key.secret), Reason::bad_key);
}

TEST(CredentialCache, is_bounded) {
  TestClock clock;
  CredentialCache cache(clock, {.capacity = 160, .ttl = seconds(1)});
  std::size_t kept = 0;
  const auto tag_of = [&](int i) { return cache.tag_of({CredentialKind::tunes_key, std::to_string(i), {}}); };
  for (int i = 0; i < 2000; ++i) cache.keep(tag_of(i), nobody(), std::nullopt, cache.epoch(), clock.now());
  for (int i = 0; i < 2000; ++i) kept += cache.find(tag_of(i)) != nullptr;
  EXPECT_LE(kept, 160u);
  EXPECT_GT(kept, 0u);
}

TEST(CredentialCache, keeps_apart_what_reads_the_same) {
  TestClock clock;
  const CredentialCache cache(clock);
  const std::vector<Credential> all{
      {CredentialKind::client_pair, "secret", "id"}, {CredentialKind::client_pair, "dsecret", "i"},
      {CredentialKind::client_pair, "idsecret", ""}, {CredentialKind::session, "secret", ""},
      {CredentialKind::tunes_key, "secret", ""},     {CredentialKind::tunes_key, "Secret", ""}};
  std::set<CredentialCache::Tag> tags;
  for (const auto& one : all) tags.insert(cache.tag_of(one));
  EXPECT_EQ(tags.size(), all.size());
  EXPECT_EQ(tags.count(cache.tag_of(all[4])), 1u);
  EXPECT_NE(CredentialCache(clock).tag_of(all[0]), cache.tag_of(all[0])) << "another process has another key";
}

TOLL_ON_EVERY_ENGINE(AuthenticatorTest);

}  // namespace
}  // namespace toll::identity
