// Buying credits. The provider is a seam; packages and prices are the server's own, a client never names a price.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "metering/credits.h"
#include "metering/ledger.h"
#include "sql/database.h"

namespace toll::metering {

struct Package {
  std::string id;    // "starter"
  std::string name;  // "Starter"
  Credits credits;
  std::int64_t cents = 0;
  std::string currency = "USD";
};

// Starter 5 for $1.00, Popular 25 for $4.00, Pro 100 for $15.00.
std::vector<Package> default_packages();

struct Charge {
  std::string package;
  std::int64_t cents = 0;
  std::string currency;
  std::string nonce;  // the provider's single-use token for the buyer's card
  std::string
      idempotency_key;  // at most 45 characters (Square's limit); the same for every repetition of this purchase
  std::string note;
};

struct Payment {
  std::string id;  // the provider's; unique for ever
};

class PaymentProvider {
 public:
  virtual ~PaymentProvider() = default;
  virtual std::string_view name() const = 0;
  // Blocking. The same idempotency key gives the same payment again. Faults: payment_declined with `code` (the
  // provider's); payment_failed when the provider cannot be reached or answers nonsense, with the cause.
  virtual Result<Payment> charge(const Charge& charge) = 0;
};

struct Purchase {
  AccountId account;
  Package package;
  std::string payment_id;
  Credits balance;    // after it
  bool first = true;  // false: this payment had been credited before; nothing was added now
};

// Credits a paid package once, however often the payment is shown. Description "Credit purchase - 25 credits for
// $4.00", reference the payment id. Throws when the payment id belongs to another account's purchase.
Purchase credit_purchase(sql::Tx& tx, const Ledger& ledger, const Clock& clock, AccountId account,
                         const Package& package, std::string_view provider, std::string_view payment_id);

// Thread-safe.
class Shop {
 public:
  // Runs in the transaction that credits; for the audit row.
  using Credited = std::function<void(sql::Tx&, const Purchase&)>;
  // provider may be null: nothing can be bought.
  Shop(sql::Database& db, const Ledger& ledger, const Clock& clock, std::vector<Package> packages,
       std::unique_ptr<PaymentProvider> provider, Credited credited = {});

  bool open() const { return provider_ != nullptr; }
  const std::vector<Package>& packages() const { return packages_; }
  const Package* find(std::string_view id) const;
  const Package* find_by_size(Credits credits) const;

  // Blocking (provider, then database). A repeated nonce is the same purchase. Faults: payments_off, unknown_package,
  // payment_token_missing, payment_declined, payment_failed.
  Result<Purchase> buy(AccountId account, std::string_view package, std::string_view nonce) const;

 private:
  sql::Database& db_;
  const Ledger& ledger_;
  const Clock& clock_;
  std::vector<Package> packages_;
  std::unique_ptr<PaymentProvider> provider_;
  Credited credited_;
};

}  // namespace toll::metering
