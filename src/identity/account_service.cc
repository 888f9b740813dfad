#include "identity/account_service.h"

#include <fmt/format.h>

#include "base/text.h"
#include "identity/names.h"

namespace toll::identity {

AccountService::AccountService(sql::Database& db, const Accounts& accounts, const Sessions& sessions,
                               const Passwords& passwords, LoginThrottle& throttle, const metering::Ledger& ledger,
                               Options options, Leaving leaving)
    : db_(db),
      accounts_(accounts),
      sessions_(sessions),
      passwords_(passwords),
      throttle_(throttle),
      ledger_(ledger),
      options_(options),
      leaving_(std::move(leaving)) {}

SignedIn AccountService::signed_in(sql::Tx& tx, Account account) const {
  const auto id = account.id;
  return {.account = std::move(account), .session = sessions_.open(tx, id), .credits = ledger_.balance(tx, id)};
}

Result<SignedIn> AccountService::register_account(const Registration& registration, const Actor& by) const {
  std::vector<FieldProblem> problems;
  if (auto problem = email_problem(registration.email))
    problems.push_back({.path = {std::string("email")}, .problem = Problem::bad_email, .message = *problem});
  if (auto problem = username_problem(registration.username))
    problems.push_back({.path = {std::string("username")}, .message = *problem});
  if (auto problem = password_problem(registration.password))
    problems.push_back({.path = {std::string("password")}, .message = *problem});
  if (!problems.empty()) return Fault(Reason::invalid_request).at(std::move(problems));

  const NewAccount wanted{registration.email, registration.username, passwords_.hash(registration.password)};
  return db_.write([&](sql::Tx& tx) -> Result<SignedIn> {
    auto account = TOLL_TRY(accounts_.create(tx, wanted, by));
    const auto gift = options_.starter_credits;
    if (gift.micros > 0)
      ledger_.grant(tx, account.id, gift, fmt::format("Welcome bonus - {} free credits", to_short_text(gift)),
                    "registration");
    return signed_in(tx, std::move(account));
  });
}

Result<SignedIn> AccountService::login(std::string_view email, std::string_view password,
                                       std::string_view address) const {
  auto attempt = TOLL_TRY(throttle_.begin(email, address));
  struct Known {
    Account account;
    std::string hash;
  };
  const auto known = db_.read([&](sql::Tx& tx) -> std::optional<Known> {
    auto account = accounts_.find_by_email(tx, email);
    if (!account) return std::nullopt;
    auto hash = accounts_.password_hash(tx, account->id);
    return Known{*std::move(account), *std::move(hash)};
  });
  // An account without a password takes as long as one that is not there.
  if (!known || known->hash.empty()) {
    passwords_.verify_nothing(password);
    return Reason::wrong_login;
  }
  if (!passwords_.verify(known->hash, password)) return Reason::wrong_login;
  attempt.passed();
  return db_.write([&](sql::Tx& tx) -> Result<SignedIn> {
    // Again, because the account may have changed while the password was being checked.
    auto account = accounts_.find(tx, known->account.id);
    if (!account || accounts_.password_hash(tx, account->id) != known->hash) return Reason::wrong_login;
    if (!account->active) return Reason::account_disabled;
    return signed_in(tx, *std::move(account));
  });
}

// The account's hash, if the password is right. Faults: `wrong`, account_not_found.
Result<std::string> AccountService::verified_hash(AccountId account, std::string_view password, Reason wrong) const {
  auto hash = db_.read([&](sql::Tx& tx) { return accounts_.password_hash(tx, account); });
  if (!hash) return Reason::account_not_found;
  if (!passwords_.verify(*hash, password)) return wrong;
  return *std::move(hash);
}

Result<void> AccountService::change_password(AccountId account, std::string_view current, std::string_view next,
                                             const Actor& by) const {
  const auto hash = TOLL_TRY(verified_hash(account, current, Reason::wrong_current_password));
  if (auto problem = password_problem(next)) {
    if (valid_utf8(next) && utf8_length(next) < min_password_length) return Reason::password_too_short;
    return Fault(Reason::invalid_request).at({{.path = {std::string("new_password")}, .message = *problem}});
  }
  const auto next_hash = passwords_.hash(next);
  return db_.write([&](sql::Tx& tx) -> Result<void> {
    if (accounts_.password_hash(tx, account) != hash) return Reason::wrong_current_password;
    return accounts_.set_password_hash(tx, account, next_hash, by);
  });
}

Result<void> AccountService::delete_account(AccountId account, std::string_view password, const Actor& by) const {
  const auto hash = TOLL_TRY(verified_hash(account, password, Reason::wrong_password));
  return db_.write([&](sql::Tx& tx) -> Result<void> {
    if (accounts_.password_hash(tx, account) != hash) return Reason::wrong_password;
    if (leaving_) leaving_(tx, account);
    ledger_.forget_texts(tx, account);
    return accounts_.remove(tx, account, by);
  });
}

}  // namespace toll::identity
