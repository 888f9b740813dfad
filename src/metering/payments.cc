#include "metering/payments.h"

#include <fmt/format.h>

#include <utility>

#include "base/digest.h"
#include "base/log.h"
#include "base/text.h"

namespace toll::metering {

namespace {

std::string describe(const Package& package) {
  return fmt::format("Credit purchase - {} credits for {}{}.{:02}", to_short_text(package.credits),
                     package.currency == "USD" ? "$" : package.currency + " ", package.cents / 100,
                     package.cents % 100);
}

// The same purchase shown again gives the same text; 43 characters.
std::string purchase_key(AccountId account, std::string_view package, std::string_view nonce) {
  return base64url(as_text(sha256(fmt::format("{}\n{}\n{}", account.value(), package, nonce))));
}

}  // namespace

std::vector<Package> default_packages() {
  return {{"starter", "Starter", whole_credits(5), 100},
          {"popular", "Popular", whole_credits(25), 400},
          {"pro", "Pro", whole_credits(100), 1500}};
}

Purchase credit_purchase(sql::Tx& tx, const Ledger& ledger, const Clock& clock, AccountId account,
                         const Package& package, std::string_view provider, std::string_view payment_id) {
  Purchase purchase{.account = account, .package = package, .payment_id = std::string(payment_id)};
  const auto added = tx.exec(
      "INSERT INTO purchases (provider, payment_id, account_id, package, credits, cents, currency, created_at) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (provider, payment_id) DO NOTHING",
      provider, payment_id, account, package.id, package.credits.micros, package.cents, package.currency, clock.now());
  if (added == 1) {
    purchase.balance =
        ledger.grant(tx, account, package.credits, describe(package), payment_id, EntryKind::purchase).balance_after;
    return purchase;
  }
  const auto known =
      tx.one("SELECT account_id FROM purchases WHERE provider = $1 AND payment_id = $2", provider, payment_id);
  if (known.value().integer(0) != account.value())
    throw std::logic_error(fmt::format("payment {} belongs to another account", payment_id));
  purchase.first = false;
  purchase.balance = ledger.balance(tx, account);
  return purchase;
}

Shop::Shop(sql::Database& db, const Ledger& ledger, const Clock& clock, std::vector<Package> packages,
           std::unique_ptr<PaymentProvider> provider, Credited credited)
    : db_(db),
      ledger_(ledger),
      clock_(clock),
      packages_(std::move(packages)),
      provider_(std::move(provider)),
      credited_(std::move(credited)) {}

const Package* Shop::find(std::string_view id) const {
  for (const auto& package : packages_)
    if (package.id == id) return &package;
  return nullptr;
}

const Package* Shop::find_by_size(Credits credits) const {
  for (const auto& package : packages_)
    if (package.credits == credits) return &package;
  return nullptr;
}

Result<Purchase> Shop::buy(AccountId account, std::string_view package_id, std::string_view nonce) const {
  if (!provider_) return Reason::payments_off;
  const Package* package = find(package_id);
  if (!package) return Reason::unknown_package;
  if (trim(nonce).empty()) return Reason::payment_token_missing;

  const auto payment = provider_->charge({.package = package->id,
                                          .cents = package->cents,
                                          .currency = package->currency,
                                          .nonce = std::string(nonce),
                                          .idempotency_key = purchase_key(account, package->id, nonce),
                                          .note = fmt::format("account {}, package {}", account.value(), package->id)});
  if (!payment) return payment.error();
  // From here on money has moved: should the next step fail, this line and the provider's note say whose it is.
  log::info("purchase.paid", {{"payment", payment->id}, {"account", account.value()}, {"package", package->id}});
  return db_.write([&](sql::Tx& tx) -> Result<Purchase> {
    auto purchase = credit_purchase(tx, ledger_, clock_, account, *package, provider_->name(), payment->id);
    if (purchase.first && credited_) credited_(tx, purchase);
    return purchase;
  });
}

}  // namespace toll::metering
