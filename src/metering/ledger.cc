#include "metering/ledger.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace toll::metering {

namespace {

constexpr std::array<std::string_view, 7> kind_names{"grant",  "hold",     "capture",   "release",
                                                     "refund", "purchase", "adjustment"};

EntryKind kind_from(std::string_view name) {
  for (std::size_t i = 0; i < kind_names.size(); ++i)
    if (kind_names[i] == name) return static_cast<EntryKind>(i);
  throw sql::Error("unknown kind of ledger entry: " + std::string(name));
}

Entry entry_of(const sql::Row& row) {
  return {.id = row.integer(0),
          .account = AccountId(row.integer(1)),
          .kind = kind_from(row.text(2)),
          .amount = {row.integer(3)},
          .balance_after = {row.integer(4)},
          .description = row.text(5),
          .reference = row.text(6),
          .created_at = row.time(7)};
}

#define TOLL_TAKE_FROM_BALANCE \
  "UPDATE credit_accounts SET balance = balance - $2, held = held + $2 WHERE account_id = $1 AND balance >= $2 "

#define TOLL_NEW_ENTRY "INSERT INTO ledger_entries (account_id, kind, amount, balance_after, description, reference, "

// What a capture adds: one entry a hold. ON CONFLICT: the unique index is the judge of whether a hold is still open.
#define TOLL_ENDED_ONCE "ON CONFLICT (hold_id) WHERE hold_id IS NOT NULL DO NOTHING"

// A statement costs PostgreSQL a journey and SQLite almost nothing; SQLite knows no writing statement inside another.
std::optional<HoldId> hold_in_one(sql::Tx& tx, AccountId account, Credits amount, std::string_view description,
                                  std::string_view reference, Time now) {
  const auto row =
      tx.one("WITH paid AS (" TOLL_TAKE_FROM_BALANCE "RETURNING balance) " TOLL_NEW_ENTRY
             "created_at) SELECT $1, 'hold', -CAST($2 AS BIGINT), balance, $3, $4, $5 FROM paid RETURNING id",
             account, amount.micros, description, reference, now);
  return row ? std::optional(HoldId(row->integer(0))) : std::nullopt;
}

// RETURNING makes SQLite open a table of its own for the answer, which costs more than the statement.
std::optional<HoldId> hold_in_three(sql::Tx& tx, AccountId account, Credits amount, std::string_view description,
                                    std::string_view reference, Time now) {
  if (tx.exec(TOLL_TAKE_FROM_BALANCE, account, amount.micros) != 1) return std::nullopt;
  tx.exec(TOLL_NEW_ENTRY
          "created_at) SELECT $1, 'hold', $2, balance, $3, $4, $5 FROM credit_accounts WHERE account_id = $1",
          account, -amount.micros, description, reference, now);
  return HoldId(tx.one("SELECT last_insert_rowid()").value().integer(0));
}

bool spend_in_one(sql::Tx& tx, AccountId account, Credits amount, std::string_view description,
                  std::string_view reference, Time now) {
  return tx.exec(
             "WITH paid AS (UPDATE credit_accounts SET balance = balance - $2 WHERE account_id = $1 AND balance >= $2 "
             "RETURNING balance), held AS (" TOLL_NEW_ENTRY
             "created_at) SELECT $1, 'hold', -CAST($2 AS BIGINT), balance, $3, $4, $5 FROM paid RETURNING id, "
             "balance_after) " TOLL_NEW_ENTRY
             "hold_id, created_at) SELECT $1, 'capture', 0, balance_after, $3, $4, id, $5 FROM held",
             account, amount.micros, description, reference, now) == 1;
}

bool spend_in_three(sql::Tx& tx, AccountId account, Credits amount, std::string_view description,
                    std::string_view reference, Time now) {
  if (tx.exec("UPDATE credit_accounts SET balance = balance - $2 WHERE account_id = $1 AND balance >= $2", account,
              amount.micros) != 1)
    return false;
  tx.exec(TOLL_NEW_ENTRY
          "created_at) SELECT $1, 'hold', $2, balance, $3, $4, $5 FROM credit_accounts WHERE account_id = $1",
          account, -amount.micros, description, reference, now);
  tx.exec(TOLL_NEW_ENTRY
          "hold_id, created_at) SELECT $1, 'capture', 0, balance, $2, $3, last_insert_rowid(), $4 FROM credit_accounts "
          "WHERE account_id = $1",
          account, description, reference, now);
  return true;
}

std::int64_t capture_in_one(sql::Tx& tx, const std::string& holds, Time now) {
  return tx.exec(
      "WITH held AS (SELECT id, account_id, amount, description, reference FROM ledger_entries "
      "WHERE id = ANY (CAST($1 AS BIGINT[])) AND kind = 'hold'), "
      "moved AS (UPDATE credit_accounts SET held = held + total FROM (SELECT account_id AS account, "
      "CAST(sum(amount) AS BIGINT) AS total FROM held GROUP BY account_id) AS sums WHERE account_id = account "
      "RETURNING account_id, balance) " TOLL_NEW_ENTRY
      "hold_id, created_at) SELECT held.account_id, 'capture', 0, balance, description, reference, held.id, $2 "
      "FROM held JOIN moved ON moved.account_id = held.account_id " TOLL_ENDED_ONCE,
      holds, now);
}

std::int64_t capture_in_two(sql::Tx& tx, const std::string& holds, Time now) {
  tx.exec(
      "UPDATE credit_accounts SET held = held + total FROM (SELECT account_id AS account, sum(amount) AS total "
      "FROM json_each($1) CROSS JOIN ledger_entries ON ledger_entries.id = json_each.value WHERE kind = 'hold' "
      "GROUP BY account_id) AS sums WHERE account_id = account",
      holds);
  return tx.exec(
      TOLL_NEW_ENTRY
      "hold_id, created_at) SELECT held.account_id, 'capture', 0, balance, description, reference, held.id, $2 "
      "FROM json_each($1) CROSS JOIN ledger_entries AS held ON held.id = json_each.value "
      "CROSS JOIN credit_accounts ON credit_accounts.account_id = held.account_id "
      "WHERE held.kind = 'hold' " TOLL_ENDED_ONCE,
      holds, now);
}

void require(bool fine, const char* what) {
  if (!fine) throw std::logic_error(what);
}

}  // namespace

std::string_view to_string(EntryKind kind) {
  return kind_names[static_cast<std::size_t>(kind)];
}

// Locks the account's row until the transaction ends; so entries of one account get their ids in the order of their
// balances. nullopt: the balance would go below zero.
std::optional<Credits> Ledger::move(sql::Tx& tx, AccountId account, Credits amount, Credits held) const {
  if (amount.micros >= 0) {
    auto row = tx.one(
        "INSERT INTO credit_accounts (account_id, balance, held) VALUES ($1, $2, $3) ON CONFLICT (account_id) DO "
        "UPDATE "
        "SET balance = credit_accounts.balance + excluded.balance, held = credit_accounts.held + $4 RETURNING balance",
        account, amount.micros, std::max<std::int64_t>(held.micros, 0), held.micros);
    return Credits{row.value().integer(0)};
  }
  auto row = tx.one(
      "UPDATE credit_accounts SET balance = balance + $2, held = held + $3 WHERE account_id = $1 AND balance >= $4 "
      "RETURNING balance",
      account, amount.micros, held.micros, -amount.micros);
  if (!row) return std::nullopt;
  return Credits{row->integer(0)};
}

Entry Ledger::append(sql::Tx& tx, Entry entry) const {
  entry.created_at = clock_.now();
  auto row = tx.one(
      "INSERT INTO ledger_entries (account_id, kind, amount, balance_after, description, reference, created_at) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
      entry.account, to_string(entry.kind), entry.amount.micros, entry.balance_after.micros, entry.description,
      entry.reference, entry.created_at);
  entry.id = row.value().integer(0);
  return entry;
}

Result<HoldId> Ledger::hold(sql::Tx& tx, AccountId account, Credits amount, std::string_view description,
                            std::string_view reference) const {
  require(amount.micros >= 0, "a hold of less than nothing");
  // Even who never had credits can hold none of them.
  if (amount.micros == 0) move(tx, account, {}, {});
  const auto id = tx.engine() == sql::Engine::postgres
                      ? hold_in_one(tx, account, amount, description, reference, clock_.now())
                      : hold_in_three(tx, account, amount, description, reference, clock_.now());
  if (!id)
    return Fault(Reason::insufficient_credits)
        .with("needed", to_text(amount))
        .with("balance", to_text(balance(tx, account)));
  return *id;
}

Result<void> Ledger::spend(sql::Tx& tx, AccountId account, Credits amount, std::string_view description,
                           std::string_view reference) const {
  require(amount.micros > 0, "nothing is spent");
  const bool paid = tx.engine() == sql::Engine::postgres
                        ? spend_in_one(tx, account, amount, description, reference, clock_.now())
                        : spend_in_three(tx, account, amount, description, reference, clock_.now());
  if (paid) return {};
  return Fault(Reason::insufficient_credits)
      .with("needed", to_text(amount))
      .with("balance", to_text(balance(tx, account)));
}

void Ledger::capture(sql::Tx& tx, HoldId hold) const {
  capture(tx, std::span(&hold, 1));
}

// The accounts first, as in every movement: their rows order the entries.
void Ledger::capture(sql::Tx& tx, std::span<const HoldId> holds) const {
  if (holds.empty()) return;
  std::string ids;
  for (HoldId hold : holds) ids += (ids.empty() ? "" : ",") + std::to_string(hold.value());
  const auto added = tx.engine() == sql::Engine::postgres ? capture_in_one(tx, "{" + ids + "}", clock_.now())
                                                          : capture_in_two(tx, "[" + ids + "]", clock_.now());
  // A movement made in vain is undone by the throw.
  if (added != static_cast<std::int64_t>(holds.size()))
    throw BadHold("of the holds " + ids + " only " + std::to_string(added) + " are open");
}

void Ledger::release(sql::Tx& tx, HoldId hold, std::string_view description) const {
  const auto row = tx.one(
      "SELECT id, account_id, kind, amount, balance_after, description, reference, created_at FROM ledger_entries "
      "WHERE id = $1 AND kind = 'hold'",
      hold);
  if (!row) throw BadHold("there is no hold " + std::to_string(hold.value()));
  const Entry held = entry_of(*row);
  // The unique index is the judge of whether this hold is still open; a movement made in vain is undone by the throw.
  const auto after = move(tx, held.account, -held.amount, held.amount);
  const auto added = tx.exec(
      "INSERT INTO ledger_entries (account_id, kind, amount, balance_after, description, reference, hold_id, "
      "created_at) "
      "VALUES ($1, 'release', $2, $3, $4, $5, $6, $7) ON CONFLICT (hold_id) WHERE hold_id IS NOT NULL DO NOTHING",
      held.account, -held.amount.micros, after.value().micros, description, held.reference, hold, clock_.now());
  if (added != 1) throw BadHold("hold " + std::to_string(hold.value()) + " has ended before");
}

Entry Ledger::grant(sql::Tx& tx, AccountId account, Credits amount, std::string_view description,
                    std::string_view reference, EntryKind kind) const {
  require(amount.micros >= 0, "a grant of less than nothing");
  require(kind == EntryKind::grant || kind == EntryKind::refund || kind == EntryKind::purchase, "no kind of grant");
  const auto after = move(tx, account, amount, {});
  return append(tx, {.account = account,
                     .kind = kind,
                     .amount = amount,
                     .balance_after = after.value(),
                     .description = std::string(description),
                     .reference = std::string(reference)});
}

Result<Entry> Ledger::adjust(sql::Tx& tx, AccountId account, Credits amount, std::string_view description,
                             std::string_view reference) const {
  const auto after = move(tx, account, amount, {});
  if (!after) return Reason::balance_below_zero;
  return append(tx, {.account = account,
                     .kind = EntryKind::adjustment,
                     .amount = amount,
                     .balance_after = *after,
                     .description = std::string(description),
                     .reference = std::string(reference)});
}

Credits Ledger::balance(sql::Tx& tx, AccountId account) const {
  const auto row = tx.one("SELECT balance FROM credit_accounts WHERE account_id = $1", account);
  return row ? Credits{row->integer(0)} : Credits{};
}

Credits Ledger::held(sql::Tx& tx, AccountId account) const {
  const auto row = tx.one("SELECT held FROM credit_accounts WHERE account_id = $1", account);
  return row ? Credits{row->integer(0)} : Credits{};
}

std::vector<Entry> Ledger::history(sql::Tx& tx, AccountId account, std::size_t limit,
                                   std::optional<std::int64_t> before) const {
  const auto rows = tx.query(
      "SELECT id, account_id, kind, amount, balance_after, description, reference, created_at FROM ledger_entries "
      "WHERE account_id = $1 AND id < $2 AND amount <> 0 ORDER BY id DESC LIMIT $3",
      account, before.value_or(INT64_MAX), limit);
  std::vector<Entry> entries;
  entries.reserve(rows.size());
  for (const auto& row : rows) entries.push_back(entry_of(row));
  return entries;
}

void Ledger::forget_texts(sql::Tx& tx, AccountId account) const {
  tx.exec("UPDATE ledger_entries SET description = 'Adjustment' WHERE account_id = $1 AND kind = 'adjustment'",
          account);
}

}  // namespace toll::metering
