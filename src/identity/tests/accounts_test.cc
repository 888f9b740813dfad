#include "identity/accounts.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "identity/admin.h"
#include "identity/tests/fixture.h"

namespace toll::identity {
namespace {

class AccountsTest : public IdentityTest {};

TEST_P(AccountsTest, can_be_found_as_they_were_made) {
  const auto made = create("Ada@Example.org", "  Ada ").value();
  const auto found = db().read([&](sql::Tx& tx) { return accounts.find(tx, made.id); }).value();
  EXPECT_EQ(found.email, "Ada@Example.org");
  EXPECT_EQ(found.username, "Ada");
  EXPECT_TRUE(found.active);
  EXPECT_EQ(found.plan, Plan::free);
  EXPECT_EQ(found.created_at, clock.now());
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return accounts.find_by_email(tx, "aDA@example.ORG"); })->id, made.id);
  EXPECT_FALSE(db().read([&](sql::Tx& tx) { return accounts.find_by_email(tx, "bob@example.org"); }));
  EXPECT_FALSE(db().read([&](sql::Tx& tx) { return accounts.find_by_email(tx, std::string_view("a\0b", 3)); }));
}

TEST_P(AccountsTest, emails_and_names_are_unique_without_case) {
  ada();
  EXPECT_EQ(create("ADA@example.org", "other").error().reason(), Reason::email_taken);
  EXPECT_EQ(create("other@example.org", "ADA").error().reason(), Reason::username_taken);
  EXPECT_EQ(create("ada@example.org", "Ada").error().reason(), Reason::email_taken);
}

TEST_P(AccountsTest, every_bad_field_is_named) {
  const auto refused = create("nonsense", "x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::invalid_request);
  ASSERT_EQ(refused.error().problems().size(), 2u);
  EXPECT_EQ(refused.error().problems()[0].problem, Problem::bad_email);
}

TEST_P(AccountsTest, the_first_one_is_an_administrator_and_no_other) {
  EXPECT_TRUE(ada().is_admin);
  EXPECT_FALSE(create("bob@example.org", "Bob")->is_admin);
}

TEST_P(AccountsTest, nobody_inherits_from_a_deleted_first_account) {
  const auto first = ada();
  ASSERT_TRUE(write([&](sql::Tx& tx) { return accounts.remove(tx, first.id, actor); }));
  EXPECT_FALSE(create("bob@example.org", "Bob")->is_admin);
}

TEST_P(AccountsTest, a_failed_first_registration_does_not_use_up_the_post) {
  const auto undone = write([&](sql::Tx& tx) -> Result<Account> {
    TOLL_TRY(accounts.create(tx, {"ada@example.org", "Ada", "hash"}, actor));
    return Reason::storage_full;
  });
  EXPECT_FALSE(undone);
  EXPECT_TRUE(create("bob@example.org", "Bob")->is_admin);
}

TEST_P(AccountsTest, parallel_first_registrations_make_one_administrator) {
  std::atomic<int> admins{0}, made{0};
  {
    std::vector<std::jthread> crowd;
    for (int i = 0; i < 12; ++i)
      crowd.emplace_back([&, i] {
        const auto account = create("user" + std::to_string(i) + "@example.org", "user" + std::to_string(i));
        if (account) ++made;
        if (account && account->is_admin) ++admins;
      });
  }
  EXPECT_EQ(made.load(), 12);
  EXPECT_EQ(admins.load(), 1);
}

TEST_P(AccountsTest, parallel_registrations_of_one_email_make_one_account) {
  std::atomic<int> made{0}, taken{0};
  {
    std::vector<std::jthread> crowd;
    for (int i = 0; i < 12; ++i)
      crowd.emplace_back([&, i] {
        const auto account = create("ada@example.org", "user" + std::to_string(i));
        ++(account ? made : taken);
        if (!account) {
          EXPECT_EQ(account.error().reason(), Reason::email_taken);
        }
      });
  }
  EXPECT_EQ(made.load(), 1);
}

TEST_P(AccountsTest, where_the_operator_names_administrators_nobody_else_becomes_one) {
  const Accounts named(clock, cache, {.admin_emails = {" Root@Example.org"}});
  auto make = [&](std::string email, std::string name) {
    return write([&](sql::Tx& tx) { return named.create(tx, {email, name, "hash"}, operator_actor()); }).value();
  };
  EXPECT_FALSE(make("first@example.org", "first").is_admin);
  EXPECT_TRUE(make("root@example.org", "root").is_admin);
}

TEST_P(AccountsTest, can_change_their_names) {
  const auto account = ada();
  create("bob@example.org", "Bob").value();
  auto set_name = [&](std::string_view name) {
    return write([&](sql::Tx& tx) { return accounts.set_username(tx, account.id, name, actor); });
  };
  auto set_email = [&](std::string_view email) {
    return write([&](sql::Tx& tx) { return accounts.set_email(tx, account.id, email, actor); });
  };
  EXPECT_EQ(set_name(" x ").error().reason(), Reason::username_too_short);
  EXPECT_EQ(set_name("bOB").error().reason(), Reason::username_taken);
  EXPECT_EQ(set_name(std::string(65, 'x')).error().reason(), Reason::invalid_request);
  EXPECT_TRUE(set_name("ADA"));
  EXPECT_EQ(set_email("bob@example.org").error().reason(), Reason::email_taken);
  EXPECT_EQ(set_email("nonsense").error().problems().at(0).problem, Problem::bad_email);
  EXPECT_TRUE(set_email("ADA@example.org"));
  const auto now = db().read([&](sql::Tx& tx) { return accounts.find(tx, account.id); }).value();
  EXPECT_EQ(now.username, "ADA");
  EXPECT_EQ(now.email, "ADA@example.org");
}

TEST_P(AccountsTest, an_administrator_cannot_be_disabled) {
  const auto admin = ada();
  const auto bob = create("bob@example.org", "Bob").value();
  EXPECT_EQ(write([&](sql::Tx& tx) { return accounts.set_active(tx, admin.id, false, actor); }).error().reason(),
            Reason::cannot_disable_admin);
  EXPECT_EQ(write([&](sql::Tx& tx) { return toggle_active(tx, accounts, bob.id, actor); }).value(), false);
  EXPECT_EQ(write([&](sql::Tx& tx) { return toggle_active(tx, accounts, bob.id, actor); }).value(), true);
  EXPECT_EQ(write([&](sql::Tx& tx) { return toggle_active(tx, accounts, AccountId(999), actor); }).error().reason(),
            Reason::account_not_found);
}

TEST_P(AccountsTest, a_deleted_account_frees_its_names_and_never_its_id) {
  const auto first = ada();
  ASSERT_TRUE(write([&](sql::Tx& tx) { return accounts.remove(tx, first.id, actor); }));
  EXPECT_FALSE(db().read([&](sql::Tx& tx) { return accounts.find(tx, first.id); }));
  EXPECT_GT(ada().id, first.id);
  EXPECT_EQ(write([&](sql::Tx& tx) { return accounts.remove(tx, first.id, actor); }).error().reason(),
            Reason::account_not_found);
}

TEST_P(AccountsTest, are_listed_newest_first_page_by_page) {
  for (int i = 0; i < 5; ++i) create("user" + std::to_string(i) + "@example.org", "user" + std::to_string(i)).value();
  const auto page = db().read([&](sql::Tx& tx) { return accounts.list(tx, 2); });
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].username, "user4");
  const auto rest = db().read([&](sql::Tx& tx) { return accounts.list(tx, 10, page[1].id); });
  ASSERT_EQ(rest.size(), 3u);
  EXPECT_EQ(rest[0].username, "user2");
}

TEST_P(AccountsTest, every_change_is_audited_with_who_and_what) {
  const auto account = ada();
  write([&](sql::Tx& tx) { return make_admin(tx, accounts, "ADA@example.org", operator_actor()); }).value();
  ASSERT_TRUE(write([&](sql::Tx& tx) { return accounts.set_password_hash(tx, account.id, "other", actor); }));
  EXPECT_EQ(audited(), (std::vector<std::string>{"account.password", "account.make_admin", "account.create"}));
  const auto rows = db().read([](sql::Tx& tx) { return audit_log(tx, 1); });
  EXPECT_EQ(rows[0].actor.account, AccountId(1));
  EXPECT_EQ(rows[0].actor.credential, "session");
  EXPECT_EQ(rows[0].actor.request_id, "req-1");
  EXPECT_EQ(rows[0].object, "account:" + std::to_string(account.id.value()));
  EXPECT_EQ(rows[0].at, clock.now());
}

TEST_P(AccountsTest, credits_adjusted_by_an_administrator_are_audited) {
  const auto account = ada();
  const metering::Ledger ledger(clock);
  auto adjust = [&](AccountId id, std::int64_t credits) {
    return write([&](sql::Tx& tx) {
      return adjust_credits(tx, clock, accounts, ledger, id, metering::whole_credits(credits), "Gift", "admin:1",
                            actor);
    });
  };
  EXPECT_EQ(adjust(account.id, 5)->balance_after, metering::whole_credits(5));
  EXPECT_EQ(adjust(account.id, -6).error().reason(), Reason::balance_below_zero);
  EXPECT_EQ(adjust(AccountId(999), 1).error().reason(), Reason::account_not_found);
  EXPECT_EQ(audited(), (std::vector<std::string>{"credits.adjust", "account.create"}));
}

TOLL_ON_EVERY_ENGINE(AccountsTest);

}  // namespace
}  // namespace toll::identity
