// The ledger: append-only entries whose sum is the balance. A hold takes credits off the available balance at once; it
// ends exactly once, by capture (they are spent) or release (they come back).
//
// Everything runs in the caller's transaction, so that a job, its hold and its audit row commit together. The row of
// credit_accounts is the guard: it is updated under `balance >= needed` before the entry is written, which orders the
// entries of one account and makes balance_after exact.
#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "metering/credits.h"
#include "sql/database.h"

namespace toll::metering {

enum class EntryKind { grant, hold, capture, release, refund, purchase, adjustment };
std::string_view to_string(EntryKind kind);

struct Entry {
  std::int64_t id = 0;
  AccountId account;
  EntryKind kind = EntryKind::grant;
  Credits amount;         // what it adds to the available balance
  Credits balance_after;  // the available balance behind it
  std::string description;
  std::string reference;  // a job id, a payment id, "registration", "admin:7"
  Time created_at;
};

// A hold that does not exist or has ended already was captured or released: a bug in the caller. Undoes the
// transaction.
struct BadHold : std::logic_error {
  using std::logic_error::logic_error;
};

// Stateless but for the clock; thread-safe.
class Ledger {
 public:
  explicit Ledger(const Clock& clock) : clock_(clock) {}

  // Takes `amount` (>= 0; zero makes a hold that history does not show) off the balance.
  // Faults: insufficient_credits with `needed` and `balance`.
  Result<HoldId> hold(sql::Tx& tx, AccountId account, Credits amount, std::string_view description,
                      std::string_view reference) const;
  // The held credits are spent. Throws BadHold unless the hold is open.
  void capture(sql::Tx& tx, HoldId hold) const;
  // Both at once, for what is paid when it is done: the same entries, in half the statements. `amount` > 0.
  // Faults: insufficient_credits with `needed` and `balance`.
  Result<void> spend(sql::Tx& tx, AccountId account, Credits amount, std::string_view description,
                     std::string_view reference) const;
  // The same for many, in a few statements. Throws BadHold unless all are open and each is named once.
  void capture(sql::Tx& tx, std::span<const HoldId> holds) const;
  // The held credits come back; the entry keeps the hold's reference. Throws BadHold unless the hold is open.
  void release(sql::Tx& tx, HoldId hold, std::string_view description) const;

  // Adds credits (amount >= 0); kind is grant, refund or purchase.
  Entry grant(sql::Tx& tx, AccountId account, Credits amount, std::string_view description, std::string_view reference,
              EntryKind kind = EntryKind::grant) const;
  // Adds or takes credits. Faults: balance_below_zero.
  Result<Entry> adjust(sql::Tx& tx, AccountId account, Credits amount, std::string_view description,
                       std::string_view reference) const;

  // Available: open holds are taken off. Zero for an account that never had an entry.
  Credits balance(sql::Tx& tx, AccountId account) const;
  // What is on hold now.
  Credits held(sql::Tx& tx, AccountId account) const;
  // Entries that changed the available balance, newest first, those with an id below `before` if given.
  std::vector<Entry> history(sql::Tx& tx, AccountId account, std::size_t limit,
                             std::optional<std::int64_t> before = std::nullopt) const;

  // For deleted accounts: amounts stay, texts that people wrote (adjustments) go.
  void forget_texts(sql::Tx& tx, AccountId account) const;

 private:
  std::optional<Credits> move(sql::Tx& tx, AccountId account, Credits amount, Credits held) const;
  Entry append(sql::Tx& tx, Entry entry) const;

  const Clock& clock_;
};

}  // namespace toll::metering
