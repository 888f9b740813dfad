// What calls cost while they run: a hold for each, and a row that says so, written together. When a server dies in
// between, the row is how the credits find back.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "metering/ledger.h"
#include "sql/database.h"

namespace toll::inference {

// An open call.
struct Bill {
  std::string id;  // UUID; the reference in the ledger
  metering::Credits price;
  bool held = false;  // false: it costs nothing, and there is neither hold nor row
};

struct NewBill {
  AccountId account;
  metering::Credits price;
  std::string model;  // as history names it: "acme/tiny v1"
  Micros lease{};     // longer than the call can take
};

// Thread-safe.
class Bills {
 public:
  Bills(const metering::Ledger& ledger, const Clock& clock, Random& random)
      : ledger_(ledger), clock_(clock), random_(random) {}

  // Faults: insufficient_credits.
  Result<Bill> open(sql::Tx& tx, const NewBill& wanted) const;
  // The credits are spent. Faults: internal when the call was given up meanwhile (its lease had run out): undo what it
  // did.
  Result<void> settle(sql::Tx& tx, const Bill& bill) const;
  // The credits come back; harmless when they have.
  void release(sql::Tx& tx, const Bill& bill) const;

  // Releases calls that nobody finishes any more: those whose lease has run out and, at a start on SQLite, which has
  // one server, all of them. How many there were.
  std::size_t recover(sql::Tx& tx) const;
  std::size_t sweep(sql::Tx& tx, std::size_t limit = 1000) const;

 private:
  std::size_t release_before(sql::Tx& tx, Time time, std::size_t limit) const;
  const metering::Ledger& ledger_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace toll::inference
