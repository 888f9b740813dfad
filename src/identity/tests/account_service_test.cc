#include "identity/account_service.h"

#include <gtest/gtest.h>

#include "identity/tests/fixture.h"

namespace toll::identity {
namespace {

class AccountServiceTest : public IdentityTest {
 protected:
  void SetUp() override {
    IdentityTest::SetUp();
    if (IsSkipped()) return;
    service = std::make_unique<AccountService>(db(), accounts, sessions, passwords, throttle, ledger,
                                               AccountService::Options{},
                                               [this](sql::Tx&, AccountId id) { left.push_back(id); });
  }
  Result<SignedIn> join(std::string_view email = "ada@example.org", std::string_view name = "Ada",
                        std::string_view password = "correct horse") {
    return service->register_account({std::string(email), std::string(name), std::string(password)},
                                     {std::nullopt, "none", "req-1"});
  }
  Result<SignedIn> login(std::string_view email, std::string_view password) {
    return service->login(email, password, "192.0.2.1");
  }

  const Passwords passwords{Passwords::cheap_for_tests()};
  LoginThrottle throttle{clock};
  const metering::Ledger ledger{clock};
  std::vector<AccountId> left;
  std::unique_ptr<AccountService> service;
};

TEST_P(AccountServiceTest, a_newcomer_is_signed_in_with_the_welcome_credits) {
  const auto signed_in = join().value();
  EXPECT_EQ(signed_in.credits, metering::whole_credits(3));
  EXPECT_EQ(who(CredentialKind::session, signed_in.session.token)->account, signed_in.account.id);
  const auto entries = db().read([&](sql::Tx& tx) { return ledger.history(tx, signed_in.account.id, 10); });
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].description, "Welcome bonus - 3 free credits");
  EXPECT_EQ(entries[0].reference, "registration");
}

TEST_P(AccountServiceTest, a_refused_registration_leaves_nothing) {
  join().value();
  EXPECT_EQ(join("ADA@example.org", "Other").error().reason(), Reason::email_taken);
  const auto refused = join("nonsense", "x", "short");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().problems().size(), 3u);
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return accounts.list(tx, 10); }).size(), 1u);
}

TEST_P(AccountServiceTest, only_email_and_password_together_open) {
  const auto account = join().value().account;
  EXPECT_EQ(login("ADA@Example.org", "correct horse")->account.id, account.id);
  EXPECT_EQ(login("ada@example.org", "wrong horse").error().reason(), Reason::wrong_login);
  EXPECT_EQ(login("bob@example.org", "correct horse").error().reason(), Reason::wrong_login);
  EXPECT_EQ(login("nonsense", "correct horse").error().reason(), Reason::wrong_login);
}

TEST_P(AccountServiceTest, ten_failed_logins_lock_even_the_right_password_out) {
  join().value();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(login("ada@example.org", "wrong").error().reason(), Reason::wrong_login);
  const auto refused = login("ada@example.org", "correct horse");
  EXPECT_EQ(refused.error().reason(), Reason::too_many_logins);
  EXPECT_TRUE(refused.error().retry_after());
  EXPECT_TRUE(service->login("ada@example.org", "correct horse", "192.0.2.2"));
}

TEST_P(AccountServiceTest, a_disabled_account_learns_it_only_with_its_password) {
  join("root@example.org", "root").value();
  const auto id = join().value().account.id;
  ASSERT_TRUE(write([&](sql::Tx& tx) { return accounts.set_active(tx, id, false, actor); }));
  EXPECT_EQ(login("ada@example.org", "correct horse").error().reason(), Reason::account_disabled);
  EXPECT_EQ(login("ada@example.org", "wrong").error().reason(), Reason::wrong_login);
}

TEST_P(AccountServiceTest, a_new_password_replaces_the_old_and_ends_sessions) {
  const auto joined = join().value();
  const auto id = joined.account.id;
  EXPECT_EQ(service->change_password(id, "wrong", "new password", actor).error().reason(),
            Reason::wrong_current_password);
  EXPECT_EQ(service->change_password(id, "correct horse", "short", actor).error().reason(), Reason::password_too_short);
  EXPECT_EQ(service->change_password(id, "correct horse", std::string(1025, 'x'), actor).error().reason(),
            Reason::invalid_request);
  ASSERT_TRUE(service->change_password(id, "correct horse", "new password", actor));
  EXPECT_EQ(refusal(CredentialKind::session, joined.session.token), Reason::bad_session);
  EXPECT_FALSE(login("ada@example.org", "correct horse"));
  EXPECT_TRUE(login("ada@example.org", "new password"));
}

TEST_P(AccountServiceTest, leaving_takes_everything_but_the_money_along) {
  const auto joined = join().value();
  const auto id = joined.account.id;
  make_key(id, "key");
  EXPECT_EQ(service->delete_account(id, "wrong", actor).error().reason(), Reason::wrong_password);
  EXPECT_TRUE(left.empty());
  ASSERT_TRUE(service->delete_account(id, "correct horse", actor));
  EXPECT_EQ(left, std::vector{id});
  EXPECT_EQ(refusal(CredentialKind::session, joined.session.token), Reason::account_gone);
  EXPECT_TRUE(db().read([&](sql::Tx& tx) { return keys.list(tx, id, KeyKind::stems); }).empty());
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return ledger.history(tx, id, 10); }).size(), 1u);
  EXPECT_EQ(service->delete_account(id, "correct horse", actor).error().reason(), Reason::account_not_found);
  EXPECT_TRUE(join());
}

TOLL_ON_EVERY_ENGINE(AccountServiceTest);

}  // namespace
}  // namespace toll::identity
