// What the calls that are on their way will cost their accounts. A call spends its credits when its outputs are there,
// in one transaction with what else belongs to the payment; until then its price is kept for it here, so that the calls
// of this server never promise more than an account has. Nothing of it is in the database: a server that dies owes
// nobody anything.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/ids.h"
#include "base/result.h"
#include "metering/credits.h"

namespace toll::inference {

class Purses;

// One call's price, free for others when this goes or is given back.
class Purse {
 public:
  Purse(Purses& purses, AccountId account, metering::Credits price)
      : purses_(purses), account_(account), price_(price) {}
  ~Purse() { give_back(); }
  Purse(const Purse&) = delete;
  Purse& operator=(const Purse&) = delete;
  // Harmless if it has been. Not for two threads at once.
  void give_back();

 private:
  Purses& purses_;
  const AccountId account_;
  metering::Credits price_;
};

// Thread-safe; never blocks. Outlives its purses.
class Purses {
 public:
  // `balance`: of the account, as the database said a moment ago. Another server may promise the same credits, or a job
  // take them meanwhile: who is paid then decides the ledger. Faults: insufficient_credits with `needed` and `balance`.
  Result<std::shared_ptr<Purse>> take(AccountId account, metering::Credits price, metering::Credits balance);

 private:
  friend class Purse;
  void give_back(AccountId account, metering::Credits price);

  std::mutex mutex_;
  std::unordered_map<AccountId, metering::Credits> promised_;
};

}  // namespace toll::inference
