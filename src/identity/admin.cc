#include "identity/admin.h"

#include <fmt/format.h>

namespace toll::identity {

Result<metering::Entry> adjust_credits(sql::Tx& tx, const Clock& clock, const Accounts& accounts,
                                       const metering::Ledger& ledger, AccountId account, metering::Credits amount,
                                       std::string_view description, std::string_view reference, const Actor& by) {
  if (!accounts.find(tx, account)) return Reason::account_not_found;
  auto entry = TOLL_TRY(ledger.adjust(tx, account, amount, description, reference));
  audit(tx, clock.now(), by, {"credits.adjust", fmt::format("account:{}", account.value()), to_text(amount)});
  return entry;
}

Result<bool> toggle_active(sql::Tx& tx, const Accounts& accounts, AccountId id, const Actor& by) {
  const auto account = accounts.find(tx, id);
  if (!account) return Reason::account_not_found;
  TOLL_TRY(accounts.set_active(tx, id, !account->active, by));
  return !account->active;
}

Result<Account> make_admin(sql::Tx& tx, const Accounts& accounts, std::string_view email, const Actor& by) {
  auto account = accounts.find_by_email(tx, email);
  if (!account) return Reason::account_not_found;
  TOLL_TRY(accounts.set_admin(tx, account->id, true, by));
  account->is_admin = true;
  return *std::move(account);
}

}  // namespace toll::identity
