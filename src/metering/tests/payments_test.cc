#include "metering/payments.h"

#include <gtest/gtest.h>

#include <map>

#include "metering/tests/fixture.h"

namespace toll::metering {
namespace {

// A provider that keeps its promises: one payment for each idempotency key.
class PlayMoney final : public PaymentProvider {
 public:
  std::string_view name() const override { return "play"; }
  Result<Payment> charge(const Charge& charge) override {
    charges.push_back(charge);
    if (charge.nonce == "declined") return Fault(Reason::payment_declined).with("code", "CARD_DECLINED");
    auto [it, fresh] = payments.try_emplace(charge.idempotency_key, "pay-" + std::to_string(payments.size() + 1));
    return Payment{it->second};
  }
  std::vector<Charge> charges;
  std::map<std::string, std::string> payments;
};

class ShopTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    auto play = std::make_unique<PlayMoney>();
    money = play.get();
    shop = std::make_unique<Shop>(db(), ledger, clock, default_packages(), std::move(play),
                                  [this](sql::Tx&, const Purchase&) { ++credited; });
  }
  Credits balance(AccountId account) {
    return db().read([&](sql::Tx& tx) { return ledger.balance(tx, account); });
  }

  TestClock clock;
  Ledger ledger{clock};
  PlayMoney* money = nullptr;
  int credited = 0;
  std::unique_ptr<Shop> shop;
  const AccountId ada{7}, bob{8};
};

TEST_P(ShopTest, a_paid_package_is_credited) {
  const auto bought = shop->buy(ada, "popular", "nonce-1").value();
  EXPECT_TRUE(bought.first);
  EXPECT_EQ(bought.balance, whole_credits(25));
  const auto entries = db().read([&](sql::Tx& tx) { return ledger.history(tx, ada, 10); });
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].kind, EntryKind::purchase);
  EXPECT_EQ(entries[0].description, "Credit purchase - 25 credits for $4.00");
  EXPECT_EQ(entries[0].reference, bought.payment_id);
}

TEST_P(ShopTest, the_price_is_the_servers_own) {
  ASSERT_TRUE(shop->buy(ada, "pro", "nonce-1"));
  EXPECT_EQ(money->charges.at(0).cents, 1500);
  EXPECT_EQ(money->charges.at(0).currency, "USD");
  EXPECT_LE(money->charges.at(0).idempotency_key.size(), 45u);
}

TEST_P(ShopTest, a_repeated_purchase_is_credited_once) {
  const auto first = shop->buy(ada, "starter", "nonce-1").value();
  const auto again = shop->buy(ada, "starter", "nonce-1").value();
  EXPECT_FALSE(again.first);
  EXPECT_EQ(again.payment_id, first.payment_id);
  EXPECT_EQ(balance(ada), whole_credits(5));
  EXPECT_EQ(credited, 1);
}

TEST_P(ShopTest, another_nonce_is_another_purchase) {
  ASSERT_TRUE(shop->buy(ada, "starter", "nonce-1"));
  ASSERT_TRUE(shop->buy(ada, "starter", "nonce-2"));
  ASSERT_TRUE(shop->buy(bob, "starter", "nonce-1"));
  EXPECT_EQ(balance(ada), whole_credits(10));
  EXPECT_EQ(balance(bob), whole_credits(5));
}

TEST_P(ShopTest, a_payment_is_never_credited_to_two_accounts) {
  const auto bought = shop->buy(ada, "starter", "nonce-1").value();
  EXPECT_THROW(db().write([&](sql::Tx& tx) {
    return credit_purchase(tx, ledger, clock, bob, bought.package, "play", bought.payment_id);
  }),
               std::logic_error);
  EXPECT_EQ(balance(bob), Credits{});
}

TEST_P(ShopTest, a_declined_payment_changes_nothing) {
  const auto refused = shop->buy(ada, "starter", "declined");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::payment_declined);
  EXPECT_EQ(refused.error().argument("code"), "CARD_DECLINED");
  EXPECT_EQ(balance(ada), Credits{});
}

TEST_P(ShopTest, refuses_before_it_charges) {
  EXPECT_EQ(shop->buy(ada, "huge", "nonce-1").error().reason(), Reason::unknown_package);
  EXPECT_EQ(shop->buy(ada, "starter", " ").error().reason(), Reason::payment_token_missing);
  EXPECT_TRUE(money->charges.empty());
  const Shop closed(db(), ledger, clock, default_packages(), nullptr);
  EXPECT_FALSE(closed.open());
  EXPECT_EQ(closed.buy(ada, "starter", "nonce-1").error().reason(), Reason::payments_off);
}

TEST_P(ShopTest, packages_are_found_by_id_and_by_size) {
  EXPECT_EQ(shop->find("pro")->credits, whole_credits(100));
  EXPECT_EQ(shop->find_by_size(whole_credits(25))->id, "popular");
  EXPECT_EQ(shop->find_by_size({1}), nullptr);
}

TOLL_ON_EVERY_ENGINE(ShopTest);

}  // namespace
}  // namespace toll::metering
