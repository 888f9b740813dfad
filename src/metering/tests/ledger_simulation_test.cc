// Many threads move the credits of a few accounts at random, and some transactions die before their commit. Whatever
// happened, the books must balance.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "metering/ledger.h"
#include "metering/tests/fixture.h"

namespace toll::metering {
namespace {

struct Crash {};

class LedgerSimulation : public DatabaseTest {
 protected:
  static constexpr int threads = 8;
  static constexpr int steps = 150;
  static constexpr std::int64_t accounts = 3;

  AccountId any_account(std::mt19937& chance) { return AccountId(1 + static_cast<std::int64_t>(chance() % accounts)); }
  Credits any_amount(std::mt19937& chance) { return {static_cast<std::int64_t>(chance() % 3'000'000)}; }

  // Runs f in a transaction that dies one time in eight.
  template <class F>
  bool attempt(std::mt19937& chance, F f) {
    const bool dies = chance() % 8 == 0;
    try {
      return db()
          .write([&](sql::Tx& tx) -> Result<void> {
            auto result = f(tx);
            if (dies) throw Crash();
            return result;
          })
          .has_value();
    } catch (const Crash&) {
      return false;
    }
  }

  void take_hold(std::mt19937& chance) {
    const auto account = any_account(chance);
    const auto amount = any_amount(chance);
    HoldId made;
    if (!attempt(chance, [&](sql::Tx& tx) -> Result<void> {
          made = TOLL_TRY(ledger.hold(tx, account, amount, "Job", "job"));
          return {};
        }))
      return;
    std::lock_guard lock(mutex);
    open_holds.push_back(made);
  }

  // Two threads may pick the same hold: one of them must fail.
  void end_hold(std::mt19937& chance) {
    HoldId hold;
    {
      std::lock_guard lock(mutex);
      if (open_holds.empty()) return;
      hold = open_holds[chance() % open_holds.size()];
    }
    const bool captures = chance() % 2 == 0;
    try {
      const bool done = attempt(chance, [&](sql::Tx& tx) -> Result<void> {
        if (captures)
          ledger.capture(tx, hold);
        else
          ledger.release(tx, hold, "Refund: Job");
        return {};
      });
      if (!done) return;
      ++ended;
      if (chance() % 4 == 0) return;  // stays in the list, to be ended again in vain
      std::lock_guard lock(mutex);
      std::erase(open_holds, hold);
    } catch (const BadHold&) {
      std::lock_guard lock(mutex);
      std::erase(open_holds, hold);
    }
  }

  void step(std::mt19937& chance) {
    const auto account = any_account(chance);
    const auto amount = any_amount(chance);
    switch (chance() % 6) {
      case 0:
        attempt(chance, [&](sql::Tx& tx) -> Result<void> {
          return ledger.grant(tx, account, amount, "G", "r"), Result<void>();
        });
        break;
      case 1:
        attempt(chance, [&](sql::Tx& tx) -> Result<void> {
          TOLL_TRY(ledger.adjust(tx, account, -amount, "A", "r"));
          return {};
        });
        break;
      case 2:
      case 3:
        take_hold(chance);
        break;
      default:
        end_hold(chance);
    }
  }

  TestClock clock;
  Ledger ledger{clock};
  std::mutex mutex;
  std::vector<HoldId> open_holds;
  std::atomic<std::int64_t> ended{0};
};

TEST_P(LedgerSimulation, balances_are_sums_and_never_negative_and_holds_end_once) {
  {
    std::vector<std::jthread> crowd;
    for (int t = 0; t < threads; ++t)
      crowd.emplace_back([this, t] {
        std::mt19937 chance(static_cast<unsigned>(t) + 1);
        for (int i = 0; i < steps; ++i) step(chance);
      });
  }
  db().read([&](sql::Tx& tx) {
    for (std::int64_t id = 1; id <= accounts; ++id) {
      const AccountId account(id);
      Credits sum, open;
      // balance_after of each entry is the sum up to it
      for (const auto& row :
           tx.query("SELECT amount, balance_after FROM ledger_entries WHERE account_id = $1 ORDER BY id", id)) {
        sum += {row.integer(0)};
        EXPECT_EQ(row.integer(1), sum.micros);
        EXPECT_GE(row.integer(1), 0);
      }
      EXPECT_EQ(ledger.balance(tx, account), sum);
      for (const auto& row :
           tx.query("SELECT amount FROM ledger_entries h WHERE account_id = $1 AND kind = 'hold' AND NOT "
                    "EXISTS (SELECT 1 FROM ledger_entries e WHERE e.hold_id = h.id)",
                    id))
        open -= {row.integer(0)};
      EXPECT_EQ(ledger.held(tx, account), open);
    }
    EXPECT_TRUE(
        tx.query("SELECT hold_id FROM ledger_entries WHERE hold_id IS NOT NULL GROUP BY hold_id HAVING count(*) > 1")
            .empty());
    const auto endings = tx.one("SELECT count(*) FROM ledger_entries WHERE hold_id IS NOT NULL");
    EXPECT_EQ(endings.value().integer(0), ended.load());
    EXPECT_GT(ended.load(), 0);
    return true;
  });
}

TEST_P(LedgerSimulation, a_thousand_requests_on_three_credits_hold_three_times) {
  db().write([&](sql::Tx& tx) { return ledger.grant(tx, AccountId(1), whole_credits(3), "Gift", "test"); });
  std::atomic<int> held{0}, refused{0};
  {
    std::vector<std::jthread> crowd;
    for (int t = 0; t < 20; ++t)
      crowd.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          auto hold =
              db().write([&](sql::Tx& tx) { return ledger.hold(tx, AccountId(1), whole_credits(1), "Job", "job"); });
          ++(hold ? held : refused);
          if (!hold) {
            EXPECT_EQ(hold.error().reason(), Reason::insufficient_credits);
          }
        }
      });
  }
  EXPECT_EQ(held.load(), 3);
  EXPECT_EQ(refused.load(), 997);
}

TOLL_ON_EVERY_ENGINE(LedgerSimulation);

}  // namespace
}  // namespace toll::metering
