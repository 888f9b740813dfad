#include "jobs/tests/support.h"

#include <map>
#include <stdexcept>
#include <thread>
#include <utility>

namespace toll::jobs::testing {

Fixture::Fixture(sql::Engine engine, const sql::Options& options)
    : db_(sql::testing::fresh_database(engine, options)) {}

void Fixture::fund(AccountId account, std::int64_t credits) {
  write([&](sql::Tx& tx) { return ledger_.grant(tx, account, metering::whole_credits(credits), "fund", "test").id; });
}

metering::Credits Fixture::balance(AccountId account) {
  return write([&](sql::Tx& tx) { return ledger_.balance(tx, account); });
}

metering::Credits Fixture::held(AccountId account) {
  return write([&](sql::Tx& tx) { return ledger_.held(tx, account); });
}

Result<Job> Fixture::try_submit(AccountId account, metering::Credits cost, const std::string& kind) {
  JobId id(random_.uuid4());
  return write([&](sql::Tx& tx) { return queue_.submit(tx, {id, account, kind, cost, "Work"}); });
}

Job Fixture::submit(AccountId account, metering::Credits cost, const std::string& kind) {
  return try_submit(account, cost, kind).value();
}

std::optional<Job> Fixture::find(const JobId& id) {
  return write([&](sql::Tx& tx) { return queue_.find(tx, id); });
}

std::vector<Claim> Fixture::claim(std::size_t limit, std::size_t max_processing, const std::string& worker) {
  return write([&](sql::Tx& tx) {
    return queue_.claim(tx, {.worker = worker, .max_processing = max_processing, .limit = limit});
  });
}

// PostgreSQL may hold the row locks of a refused transaction for another moment, and a claim passes over locked rows.
Claim Fixture::claim_one() {
  for (int tries = 0; tries < 1000; ++tries) {
    if (auto claims = claim(1); !claims.empty()) return claims.front();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  throw std::runtime_error("nothing to claim");
}

namespace {

struct Books {
  std::int64_t holds = 0, captures = 0, releases = 0, sum = 0;
};

std::map<std::string, Books> books_by_job(sql::Tx& tx) {
  std::map<std::string, Books> books;
  for (const auto& row :
       tx.query("SELECT reference, kind, count(*), CAST(sum(amount) AS BIGINT) FROM ledger_entries WHERE kind IN "
                "('hold', 'capture', 'release') GROUP BY reference, kind")) {
    Books& entry = books[row.text(0)];
    (row.text(1) == "hold"      ? entry.holds
     : row.text(1) == "capture" ? entry.captures
                                : entry.releases) += row.integer(2);
    entry.sum += row.integer(3);
  }
  return books;
}

std::string judge(const Books& books, std::optional<State> state, std::int64_t cost) {
  if (cost == 0) return books.holds == 0 ? "" : "a free job held credits";
  if (books.captures > 1) return "captured twice";
  if (books.holds - books.captures - books.releases != (state && is_open(*state) ? 1 : 0))
    return "holds and ends do not match";
  if (state && books.captures != (*state == State::completed ? 1 : 0))
    return "captured, but not completed, or the reverse";
  // Of a job that is gone, only the books know the price.
  if (!state) return books.captures == 1 || books.sum == 0 ? "" : "a removed job cost something";
  bool paid = is_open(*state) || *state == State::completed;
  return books.sum == (paid ? -cost : 0) ? "" : "the net price is not the cost";
}

}  // namespace

std::string broken_promises(sql::Tx& tx) {
  std::string broken;
  for (const auto& row : tx.query("SELECT account_id FROM credit_accounts c WHERE balance < 0 OR balance <> (SELECT "
                                  "COALESCE(sum(amount), 0) FROM "
                                  "ledger_entries e WHERE e.account_id = c.account_id) OR held <> (SELECT "
                                  "COALESCE(sum(cost), 0) FROM jobs j WHERE "
                                  "j.account_id = c.account_id AND state IN ('pending', 'processing'))"))
    broken += "account " + std::to_string(row.integer(0)) + ": balance or hold is not the sum\n";
  auto books = books_by_job(tx);
  for (const auto& row : tx.query("SELECT id, state, cost FROM jobs")) {
    auto entry = books.extract(row.text(0));
    auto words = judge(entry ? entry.mapped() : Books{}, state_from(row.text(1)), row.integer(2));
    if (!words.empty()) broken += "job " + row.text(0) + " (" + row.text(1) + "): " + words + "\n";
  }
  for (const auto& [id, entry] : books)
    if (auto words = judge(entry, std::nullopt, 1); !words.empty()) broken += "removed job " + id + ": " + words + "\n";
  return broken;
}

}  // namespace toll::jobs::testing
