// What an administrator or the operator's command line does to accounts.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "identity/accounts.h"
#include "metering/ledger.h"
#include "sql/database.h"

namespace toll::identity {

// Adds or takes credits, with the audit row. Faults: account_not_found, balance_below_zero.
Result<metering::Entry> adjust_credits(sql::Tx& tx, const Clock& clock, const Accounts& accounts,
                                       const metering::Ledger& ledger, AccountId account, metering::Credits amount,
                                       std::string_view description, std::string_view reference, const Actor& by);

// Active <-> disabled; the new state. Faults: account_not_found, cannot_disable_admin.
Result<bool> toggle_active(sql::Tx& tx, const Accounts& accounts, AccountId account, const Actor& by);

// By email, for the command line. Faults: account_not_found.
Result<Account> make_admin(sql::Tx& tx, const Accounts& accounts, std::string_view email, const Actor& by);

}  // namespace toll::identity
