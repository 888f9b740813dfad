#include "metering/ledger.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "metering/tests/fixture.h"

namespace toll::metering {
namespace {

class LedgerTest : public DatabaseTest {
 protected:
  Credits balance() {
    return db().read([&](sql::Tx& tx) { return ledger.balance(tx, account); });
  }
  Credits held() {
    return db().read([&](sql::Tx& tx) { return ledger.held(tx, account); });
  }
  void grant(Credits amount) {
    db().write([&](sql::Tx& tx) { return ledger.grant(tx, account, amount, "Gift", "test"); });
  }
  Result<HoldId> hold(Credits amount, std::string_view reference = "job-1") {
    return db().write([&](sql::Tx& tx) { return ledger.hold(tx, account, amount, "Audio separation job", reference); });
  }
  void capture(HoldId id) {
    db().write([&](sql::Tx& tx) { return ledger.capture(tx, id), true; });
  }
  void release(HoldId id) {
    db().write([&](sql::Tx& tx) { return ledger.release(tx, id, "Refund: Audio separation job"), true; });
  }
  std::vector<Entry> history(std::size_t limit = 100, std::optional<std::int64_t> before = {}) {
    return db().read([&](sql::Tx& tx) { return ledger.history(tx, account, limit, before); });
  }

  TestClock clock;
  Ledger ledger{clock};
  const AccountId account{7};
};

TEST_P(LedgerTest, an_account_without_entries_has_nothing) {
  EXPECT_EQ(balance(), Credits{});
  EXPECT_TRUE(history().empty());
}

TEST_P(LedgerTest, a_hold_takes_credits_off_the_balance_at_once) {
  grant(whole_credits(3));
  ASSERT_TRUE(hold(whole_credits(1)));
  EXPECT_EQ(balance(), whole_credits(2));
  EXPECT_EQ(held(), whole_credits(1));
}

TEST_P(LedgerTest, a_hold_beyond_the_balance_is_refused_and_leaves_nothing) {
  grant({500'000});
  const auto refused = hold(whole_credits(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::insufficient_credits);
  EXPECT_EQ(refused.error().argument("needed"), "1.0");
  EXPECT_EQ(refused.error().argument("balance"), "0.5");
  EXPECT_EQ(history().size(), 1u);
}

TEST_P(LedgerTest, the_last_credit_can_be_spent) {
  grant(whole_credits(1));
  EXPECT_TRUE(hold(whole_credits(1)));
  EXPECT_FALSE(hold({1}));
  EXPECT_EQ(balance(), Credits{});
}

TEST_P(LedgerTest, captured_credits_are_gone_and_not_listed) {
  grant(whole_credits(3));
  const auto id = hold(whole_credits(1)).value();
  capture(id);
  EXPECT_EQ(balance(), whole_credits(2));
  EXPECT_EQ(held(), Credits{});
  const auto entries = history();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].kind, EntryKind::hold);
}

TEST_P(LedgerTest, what_is_spent_at_once_leaves_what_a_hold_and_its_capture_leave) {
  grant(whole_credits(3));
  const auto spent = [&](Credits amount) {
    return db().write([&](sql::Tx& tx) { return ledger.spend(tx, account, amount, "A call", "call-1"); });
  };
  ASSERT_TRUE(spent(whole_credits(2)));
  EXPECT_EQ(balance(), whole_credits(1));
  EXPECT_EQ(held(), Credits{});
  const auto entries = history();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].kind, EntryKind::hold);
  EXPECT_EQ(entries[0].amount, -whole_credits(2));
  EXPECT_EQ(entries[0].balance_after, whole_credits(1));
  EXPECT_EQ(entries[0].reference, "call-1");
  EXPECT_THROW(release(HoldId(entries[0].id)), BadHold) << "it has ended";
  const auto refused = spent(whole_credits(2));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::insufficient_credits);
  EXPECT_EQ(refused.error().argument("balance"), "1.0");
  EXPECT_EQ(history().size(), 2u);
}

TEST_P(LedgerTest, released_credits_come_back_under_the_holds_reference) {
  grant(whole_credits(3));
  release(hold(whole_credits(1), "job-9").value());
  EXPECT_EQ(balance(), whole_credits(3));
  const auto entries = history();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].amount, whole_credits(1));
  EXPECT_EQ(entries[0].description, "Refund: Audio separation job");
  EXPECT_EQ(entries[0].reference, "job-9");
  EXPECT_EQ(entries[0].balance_after, whole_credits(3));
}

TEST_P(LedgerTest, a_hold_ends_once) {
  grant(whole_credits(3));
  const auto released = hold(whole_credits(1)).value();
  release(released);
  EXPECT_THROW(release(released), BadHold);
  EXPECT_THROW(capture(released), BadHold);
  const auto captured = hold(whole_credits(1)).value();
  capture(captured);
  EXPECT_THROW(release(captured), BadHold);
  EXPECT_EQ(balance(), whole_credits(2));
  EXPECT_EQ(held(), Credits{});
}

TEST_P(LedgerTest, many_holds_are_captured_as_one_by_one) {
  const AccountId other{8};
  grant(whole_credits(5));
  db().write([&](sql::Tx& tx) { return ledger.grant(tx, other, whole_credits(5), "Gift", "test"); });
  const std::vector<HoldId> holds{
      *hold(whole_credits(1), "a"), *hold(whole_credits(2), "b"), *hold({}, "free"),
      *db().write([&](sql::Tx& tx) { return ledger.hold(tx, other, whole_credits(4), "Work", "c"); })};
  db().write([&](sql::Tx& tx) { return ledger.capture(tx, holds), true; });
  EXPECT_EQ(balance(), whole_credits(2));
  EXPECT_EQ(held(), Credits{});
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return ledger.held(tx, other); }), Credits{});
  const auto captures = db().read([&](sql::Tx& tx) {
    return tx.query(
        "SELECT account_id, amount, balance_after, reference FROM ledger_entries WHERE kind = 'capture' "
        "ORDER BY reference");
  });
  ASSERT_EQ(captures.size(), 4u);
  EXPECT_EQ(captures[1].integer(2), whole_credits(2).micros);
  EXPECT_EQ(captures[2].integer(0), 8);
  EXPECT_EQ(captures[2].integer(2), whole_credits(1).micros);
}

TEST_P(LedgerTest, of_many_captures_none_happens_when_one_hold_is_not_open) {
  grant(whole_credits(5));
  const HoldId open = *hold(whole_credits(1)), ended = *hold(whole_credits(1));
  release(ended);
  const std::vector<HoldId> attempts[]{{open, ended}, {open, open}, {open, HoldId(987654)}};
  for (const auto& holds : attempts)
    EXPECT_THROW(db().write([&](sql::Tx& tx) { return ledger.capture(tx, holds), true; }), BadHold);
  EXPECT_EQ(held(), whole_credits(1));
  capture(open);
  EXPECT_EQ(held(), Credits{});
}

TEST_P(LedgerTest, what_is_no_hold_cannot_be_released) {
  const auto gift =
      db().write([&](sql::Tx& tx) { return ledger.grant(tx, account, whole_credits(1), "Gift", "test"); });
  EXPECT_THROW(release(HoldId(gift.id)), BadHold);
  EXPECT_THROW(release(HoldId(424242)), BadHold);
}

TEST_P(LedgerTest, work_may_cost_nothing) {
  const auto id = hold({});
  ASSERT_TRUE(id);
  release(*id);
  EXPECT_EQ(balance(), Credits{});
  EXPECT_TRUE(history().empty());
}

TEST_P(LedgerTest, an_adjustment_stops_at_zero) {
  grant(whole_credits(2));
  const auto refused = db().write(
      [&](sql::Tx& tx) { return ledger.adjust(tx, account, {-2'000'001}, "Admin credit adjustment", "admin:1"); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::balance_below_zero);
  const auto done =
      db().write([&](sql::Tx& tx) { return ledger.adjust(tx, account, whole_credits(-2), "Correction", "admin:1"); });
  ASSERT_TRUE(done);
  EXPECT_EQ(done->balance_after, Credits{});
}

TEST_P(LedgerTest, history_goes_back_page_by_page_with_exact_balances) {
  for (int i = 0; i < 5; ++i) grant(whole_credits(1));
  const auto first = history(2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].balance_after, whole_credits(5));
  const auto rest = history(10, first[1].id);
  ASSERT_EQ(rest.size(), 3u);
  EXPECT_EQ(rest[0].balance_after, whole_credits(3));
  EXPECT_EQ(rest[2].balance_after, whole_credits(1));
}

TEST_P(LedgerTest, another_account_is_another_matter) {
  grant(whole_credits(3));
  const auto other =
      db().write([&](sql::Tx& tx) { return ledger.hold(tx, AccountId(8), whole_credits(1), "Job", "job-1"); });
  EXPECT_FALSE(other);
  EXPECT_TRUE(db().read([&](sql::Tx& tx) { return ledger.history(tx, AccountId(8), 10); }).empty());
}

TEST_P(LedgerTest, an_undone_transaction_undoes_its_hold) {
  grant(whole_credits(1));
  const auto undone = db().write([&](sql::Tx& tx) -> Result<void> {
    TOLL_TRY(ledger.hold(tx, account, whole_credits(1), "Job", "job-1"));
    return Reason::storage_full;
  });
  EXPECT_FALSE(undone);
  EXPECT_EQ(balance(), whole_credits(1));
}

TEST_P(LedgerTest, forgetting_texts_keeps_the_amounts) {
  ASSERT_TRUE(db().write(
      [&](sql::Tx& tx) { return ledger.adjust(tx, account, whole_credits(4), "For Ada, with love", "admin:1"); }));
  db().write([&](sql::Tx& tx) { return ledger.forget_texts(tx, account), true; });
  ASSERT_EQ(history().size(), 1u);
  EXPECT_EQ(history()[0].description, "Adjustment");
  EXPECT_EQ(history()[0].amount, whole_credits(4));
}

TOLL_ON_EVERY_ENGINE(LedgerTest);

}  // namespace
}  // namespace toll::metering
