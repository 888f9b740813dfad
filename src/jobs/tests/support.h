// A queue on a real database, a clock that stands still, and money to spend.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/random.h"
#include "jobs/queue.h"
#include "metering/ledger.h"
#include "sql/database.h"
#include "sql/testing/databases.h"

namespace toll::jobs::testing {

inline constexpr metering::Credits one_credit = metering::whole_credits(1);

// A migrated database of its own, empty.
class Fixture {
 public:
  explicit Fixture(sql::Engine engine, const sql::Options& options = {});

  sql::Database& db() { return *db_; }
  Queue& queue() { return queue_; }
  TestClock& clock() { return clock_; }
  metering::Ledger& ledger() { return ledger_; }
  Random& random() { return random_; }

  template <class F>
  auto write(F f) {
    return db().write([&](sql::Tx& tx) { return f(tx); });
  }

  void fund(AccountId account, std::int64_t credits);
  metering::Credits balance(AccountId account);
  metering::Credits held(AccountId account);

  Result<Job> try_submit(AccountId account, metering::Credits cost = one_credit, const std::string& kind = "test");
  Job submit(AccountId account = AccountId(1), metering::Credits cost = one_credit, const std::string& kind = "test");
  std::optional<Job> find(const JobId& id);
  std::vector<Claim> claim(std::size_t limit, std::size_t max_processing = 100, const std::string& worker = "w");
  Claim claim_one();

 private:
  sql::testing::Fresh db_;
  TestClock clock_;
  metering::Ledger ledger_{clock_};
  Queue queue_{ledger_, clock_};
  TestRandom random_;
};

// Tests that run on every engine.
class QueueTest : public ::testing::TestWithParam<sql::Engine> {
 protected:
  Fixture fixture_{GetParam()};
  const AccountId alice_{1}, bob_{2};
};

#define TOLL_ON_EVERY_ENGINE(suite)                                                    \
  INSTANTIATE_TEST_SUITE_P(Engines, suite, ::testing::ValuesIn(sql::testing::engines), \
                           ::toll::sql::testing::engine_name)

// What must hold at any time, whoever did what: the ledger's sums are the balances, every job's entries fit its state,
// nothing is held or captured twice. Each broken promise is a line; empty: all hold.
std::string broken_promises(sql::Tx& tx);

}  // namespace toll::jobs::testing
