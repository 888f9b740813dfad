#include "surfaces/tunes/endpoints/accounts.h"

#include "base/text.h"
#include "identity/names.h"
#include "identity/passwords.h"

namespace toll::tunes {

namespace {

constexpr std::size_t min_password_length = 8;
constexpr int username_tries = 5;

SignedIn signed_in(const identity::SignedIn& in) {
  return {in.session.token, "bearer", view(in.account)};
}

// The part before the @ where that is a name, else something neutral.
std::string username_from(std::string_view email) {
  auto name = std::string(utf8_prefix(email.substr(0, email.find('@')), identity::max_username_length - 8));
  return identity::username_problem(name) ? "listener" : name;
}

Result<identity::SignedIn> register_with_some_name(api::Call<House>& call, const Register::Request& in) {
  const auto name = username_from(in.email);
  auto wanted = name;
  for (int tries = 1;; ++tries) {
    auto done = call.house.account_service.register_account({in.email, wanted, in.password}, call.actor());
    if (done || done.error().reason() != Reason::username_taken || tries == username_tries) return done;
    wanted = name + "-" + call.house.random.text(6, "0123456789");
  }
}

}  // namespace

UserView view(const identity::Account& account) {
  return {
      account.id.value(), account.email, account.username, std::string(to_string(account.plan)), {account.created_at}};
}

void Register::check(const Call&, const Request& in, api::Checks& checks) {
  checks.refuse_if(identity::email_problem(in.email), "email", in.email, Problem::bad_email);
  // A refused password is not repeated.
  if (utf8_length(in.password) < min_password_length || identity::password_problem(in.password))
    checks.refuse("password", json::Value(), "must be 8 to 1024 characters");
  if (in.username) checks.refuse_if(identity::username_problem(*in.username), "username", *in.username);
  if (in.terms_accepted == false) checks.refuse("terms_accepted", false, "must be accepted");
  if (in.privacy_accepted == false) checks.refuse("privacy_accepted", false, "must be accepted");
}

Result<SignedIn> Register::handle(Call& call, const Request& in) {
  auto done = in.username
                  ? call.house.account_service.register_account({in.email, *in.username, in.password}, call.actor())
                  : register_with_some_name(call, in);
  if (!done) return std::move(done).error();
  return signed_in(*done);
}

Result<SignedIn> Login::handle(Call& call, const Request& in) {
  auto done = call.house.account_service.login(in.email, in.password, call.remote);
  if (!done) return std::move(done).error();
  return signed_in(*done);
}

Result<UserView> GetMe::handle(Call& call, const Request&) {
  const auto account = call.house.accounts.find(call.tx(), call.account());
  if (!account) return Reason::account_gone;
  return view(*account);
}

}  // namespace toll::tunes
