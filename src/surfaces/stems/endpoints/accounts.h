// Registration, sessions, and what people change about their account.
#pragma once

#include "base/text.h"
#include "identity/names.h"
#include "identity/passwords.h"
#include "surfaces/stems/house.h"
#include "surfaces/stems/wire.h"

namespace toll::stems {

struct UserView {
  std::int64_t id = 0;
  std::string email, username, plan;
  Stamp created_at;
};

struct SignedIn {
  std::string access_token, token_type = "bearer";
  std::int64_t user_id = 0;
  std::string username, email;
  Amount credits;
  UserView user;
};

// Also opens HTML pages for the browser that signed in; the cookie is no credential for JSON.
inline SignedIn signed_in(api::Call<House>& call, const identity::SignedIn& in) {
  const auto& a = in.account;
  call.reply.add("Set-Cookie", "tollhouse_session=" + in.session.token + "; HttpOnly; SameSite=Lax; Path=/" +
                                   (call.house.secure_cookies || call.request.tls ? "; Secure" : ""));
  return {in.session.token,
          "bearer",
          a.id.value(),
          a.username,
          a.email,
          {in.credits},
          {a.id.value(), a.email, a.username, std::string(to_string(a.plan)), {a.created_at}}};
}

struct Register : Endpoint {
  struct Request {
    std::string email, username, password;
  };
  using Response = SignedIn;
  static constexpr Route route{Method::post, "/auth/register"};
  static constexpr std::string_view id = "stems.auth.register", summary = "Open an account";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::blocking;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::email_taken, Reason::username_taken};
  static void check(const Call&, const Request& in, api::Checks& checks) {
    checks.refuse_if(identity::email_problem(in.email), "email", in.email, Problem::bad_email);
    checks.refuse_if(identity::username_problem(in.username), "username", in.username);
    checks.refuse_if(identity::password_problem(in.password), "password", in.password);
  }
  static Result<Response> handle(Call& call, const Request& in) {
    auto done = call.house.account_service.register_account({in.email, in.username, in.password}, call.actor());
    if (!done) return std::move(done).error();
    return signed_in(call, *done);
  }
};

struct Login : Endpoint {
  struct Request {
    std::string email, password;
  };
  using Response = SignedIn;
  static constexpr Route route{Method::post, "/auth/login"};
  static constexpr std::string_view id = "stems.auth.login", summary = "Open a session";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::blocking;
  static constexpr std::array reasons{Reason::wrong_login, Reason::account_disabled, Reason::too_many_logins};
  static Result<Response> handle(Call& call, const Request& in) {
    auto done = call.house.account_service.login(in.email, in.password, call.remote);
    if (!done) return std::move(done).error();
    return signed_in(call, *done);
  }
};

struct Logout : Endpoint {
  using Request = Nothing;
  using Response = Message;
  static constexpr Route route{Method::post, "/auth/logout"};
  static constexpr std::string_view id = "stems.auth.logout", summary = "End this session";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static Result<Response> handle(Call& call, const Request&) {
    call.house.sessions.end(call.tx(), call.account(), call.who->session_id);
    call.reply.set("Set-Cookie", "tollhouse_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    return Message{"Logged out successfully"};
  }
};

struct Me {
  std::int64_t id = 0;
  std::string email, username;
  Amount credits;
  Stamp created_at;
  Bit is_admin;
};

struct GetMe : Endpoint {
  using Request = Nothing;
  using Response = Me;
  static constexpr Route route{Method::get, "/auth/me"};
  static constexpr std::string_view id = "stems.auth.me", summary = "Who am I";
  static constexpr Access access = Access::session;
  static Result<Response> handle(Call& call, const Request&) {
    auto account = call.house.accounts.find(call.tx(), call.account());
    if (!account) return Reason::account_gone;
    return Me{account->id.value(),   account->email,
              account->username,     {call.house.ledger.balance(call.tx(), account->id)},
              {account->created_at}, {account->is_admin}};
  }
};

struct ChangeEmail : Endpoint {
  struct Request {
    std::string email;
  };
  using Response = Message;
  static constexpr Route route{Method::put, "/auth/email"};
  static constexpr std::string_view id = "stems.auth.email", summary = "Change the email address";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::email_taken};
  static void check(const Call&, const Request& in, api::Checks& checks) {
    checks.refuse_if(identity::email_problem(in.email), "email", in.email, Problem::bad_email);
  }
  static Result<Response> handle(Call& call, const Request& in) {
    if (auto done = call.house.accounts.set_email(call.tx(), call.account(), in.email, call.actor()); !done)
      return std::move(done).error();
    return Message{"Email updated successfully"};
  }
};

struct ChangeUsername : Endpoint {
  struct Request {
    std::string username;
  };
  using Response = Message;
  static constexpr Route route{Method::put, "/auth/username"};
  static constexpr std::string_view id = "stems.auth.username", summary = "Change the user name";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::username_too_short, Reason::username_taken};
  static void check(const Call&, const Request& in, api::Checks& checks) {
    // A name that is too short has an answer of its own.
    if (utf8_length(trim(in.username)) >= identity::min_username_length)
      checks.refuse_if(identity::username_problem(in.username), "username", in.username);
  }
  static Result<Response> handle(Call& call, const Request& in) {
    if (auto done = call.house.accounts.set_username(call.tx(), call.account(), in.username, call.actor()); !done)
      return std::move(done).error();
    return Message{"Username updated successfully"};
  }
};

struct ChangePassword : Endpoint {
  struct Request {
    std::string current_password, new_password;
  };
  using Response = Message;
  static constexpr Route route{Method::put, "/auth/password"};
  static constexpr std::string_view id = "stems.auth.password", summary = "Change the password; ends every session";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::blocking;
  static constexpr std::array reasons{Reason::wrong_current_password, Reason::password_too_short};
  static Result<Response> handle(Call& call, const Request& in) {
    if (auto done = call.house.account_service.change_password(call.account(), in.current_password, in.new_password,
                                                               call.actor());
        !done)
      return std::move(done).error();
    return Message{"Password updated successfully"};
  }
};

struct DeleteAccount : Endpoint {
  struct Request {
    std::string password;
  };
  using Response = Message;
  static constexpr Route route{Method::delete_, "/auth/account"};
  static constexpr std::string_view id = "stems.auth.delete", summary = "Delete the account, its keys, jobs and files";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::blocking;
  static constexpr std::array reasons{Reason::wrong_password};
  static Result<Response> handle(Call& call, const Request& in) {
    if (auto done = call.house.account_service.delete_account(call.account(), in.password, call.actor()); !done)
      return std::move(done).error();
    return Message{"Account deleted successfully"};
  }
};

}  // namespace toll::stems

namespace toll::json {

template <>
struct Schema<stems::UserView> {
  using V = stems::UserView;
  static constexpr std::string_view name = "User";
  static constexpr auto fields = std::tuple{
      field(&V::id, "id", "The account's id."), field(&V::email, "email", ""), field(&V::username, "username", ""),
      field(&V::plan, "plan", "The account's plan."), field(&V::created_at, "created_at", "")};
};

template <>
struct Schema<stems::SignedIn> {
  using V = stems::SignedIn;
  static constexpr std::string_view name = "SignedIn";
  static constexpr auto fields =
      std::tuple{field(&V::access_token, "access_token", "The session, a JWT.", {.secret = true}),
                 field(&V::token_type, "token_type", "Always bearer."),
                 field(&V::user_id, "user_id", "The account's id."),
                 field(&V::username, "username", ""),
                 field(&V::email, "email", ""),
                 field(&V::credits, "credits", "The balance."),
                 field(&V::user, "user", "The account.")};
};

template <>
struct Schema<stems::Register::Request> {
  using R = stems::Register::Request;
  static constexpr std::string_view name = "Register";
  static constexpr auto fields =
      std::tuple{field(&R::email, "email", "At most 254 characters.", {.example = "me@example.com", .judged = true}),
                 field(&R::username, "username", "2 to 64 characters.", {.example = "me"}),
                 field(&R::password, "password", "6 to 1024 characters.", {.secret = true})};
};

template <>
struct Schema<stems::Login::Request> {
  using R = stems::Login::Request;
  static constexpr std::string_view name = "Login";
  static constexpr auto fields =
      std::tuple{field(&R::email, "email", ""), field(&R::password, "password", "", {.secret = true})};
};

template <>
struct Schema<stems::Me> {
  using V = stems::Me;
  static constexpr std::string_view name = "Me";
  static constexpr auto fields = std::tuple{field(&V::id, "id", ""),
                                            field(&V::email, "email", ""),
                                            field(&V::username, "username", ""),
                                            field(&V::credits, "credits", "The balance."),
                                            field(&V::created_at, "created_at", ""),
                                            field(&V::is_admin, "is_admin", "1 for administrators.")};
};

template <>
struct Schema<stems::ChangeEmail::Request> {
  static constexpr std::string_view name = "ChangeEmail";
  static constexpr auto fields =
      std::tuple{field(&stems::ChangeEmail::Request::email, "email", "The new address.", {.judged = true})};
};

template <>
struct Schema<stems::ChangeUsername::Request> {
  static constexpr std::string_view name = "ChangeUsername";
  static constexpr auto fields =
      std::tuple{field(&stems::ChangeUsername::Request::username, "username", "The new name.")};
};

template <>
struct Schema<stems::ChangePassword::Request> {
  using R = stems::ChangePassword::Request;
  static constexpr std::string_view name = "ChangePassword";
  static constexpr auto fields =
      std::tuple{field(&R::current_password, "current_password", "", {.secret = true}),
                 field(&R::new_password, "new_password", "At least 6 characters.", {.secret = true})};
};

template <>
struct Schema<stems::DeleteAccount::Request> {
  static constexpr std::string_view name = "DeleteAccount";
  static constexpr auto fields =
      std::tuple{field(&stems::DeleteAccount::Request::password, "password", "", {.secret = true})};
};

}  // namespace toll::json
