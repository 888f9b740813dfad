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
  const auto after = move(tx, account, -amount, amount);
  if (!after)
    return Fault(Reason::insufficient_credits)
        .with("needed", to_text(amount))
        .with("balance", to_text(balance(tx, account)));
  const auto entry = append(tx, {.account = account,
                                 .kind = EntryKind::hold,
                                 .amount = -amount,
                                 .balance_after = *after,
                                 .description = std::string(description),
                                 .reference = std::string(reference)});
  return HoldId(entry.id);
}

void Ledger::capture(sql::Tx& tx, HoldId hold) const {
  end(tx, hold, EntryKind::capture, {});
}

void Ledger::release(sql::Tx& tx, HoldId hold, std::string_view description) const {
  end(tx, hold, EntryKind::release, description);
}

void Ledger::end(sql::Tx& tx, HoldId hold, EntryKind how, std::string_view description) const {
  const auto row = tx.one(
      "SELECT id, account_id, kind, amount, balance_after, description, reference, created_at FROM ledger_entries "
      "WHERE id = $1 AND kind = 'hold'",
      hold);
  if (!row) throw BadHold("there is no hold " + std::to_string(hold.value()));
  const Entry held = entry_of(*row);
  // The unique index is the judge of whether this hold is still open; a movement made in vain is undone by the throw.
  const Credits back = how == EntryKind::release ? -held.amount : Credits{};
  const auto after = move(tx, held.account, back, held.amount);
  const auto added = tx.exec(
      "INSERT INTO ledger_entries (account_id, kind, amount, balance_after, description, reference, hold_id, "
      "created_at) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (hold_id) WHERE hold_id IS NOT NULL DO NOTHING",
      held.account, to_string(how), back.micros, after.value().micros,
      how == EntryKind::capture ? std::string_view(held.description) : description, held.reference, hold, clock_.now());
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
