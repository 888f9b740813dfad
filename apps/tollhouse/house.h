// What commands that work beside a server need of it: the database and the rules over it. wiring.cc builds one.
#pragma once

#include "base/clock.h"
#include "identity/account_service.h"
#include "identity/accounts.h"
#include "identity/keys.h"
#include "identity/tunes_keys.h"
#include "metering/ledger.h"
#include "sql/database.h"

namespace toll::app {

// Owns nothing itself; what the references show lives as long as the House, in whatever derives from it.
struct House {
  virtual ~House() = default;

  const Clock& clock;
  sql::Database& db;
  const identity::Accounts& accounts;
  const identity::AccountService& account_service;
  const identity::Keys& keys;
  const identity::TunesKeys& tunes_keys;
  const metering::Ledger& ledger;

 protected:
  House(const Clock& clock, sql::Database& db, const identity::Accounts& accounts,
        const identity::AccountService& account_service, const identity::Keys& keys,
        const identity::TunesKeys& tunes_keys, const metering::Ledger& ledger)
      : clock(clock),
        db(db),
        accounts(accounts),
        account_service(account_service),
        keys(keys),
        tunes_keys(tunes_keys),
        ledger(ledger) {}
};

}  // namespace toll::app
