// Registration and login as this surface's clients know them. It is the one account of the whole server.
#pragma once

#include "surfaces/tunes/house.h"
#include "surfaces/tunes/wire.h"

namespace toll::tunes {

struct UserView {
  std::int64_t id = 0;
  std::string email, username, plan;
  Stamp created_at;
};
UserView view(const identity::Account& account);

struct SignedIn {
  std::string access_token, token_type;
  UserView user;
};

struct Register : Endpoint {
  struct Request {
    std::string email, password;
    std::optional<std::string> username, first_name, last_name;
    std::optional<bool> terms_accepted, privacy_accepted;
  };
  using Response = SignedIn;
  static constexpr int status = 201;
  static constexpr Route route{Method::post, "/api/v1/auth/register"};
  static constexpr std::string_view id = "tunes.auth.register", summary = "Open an account";
  static constexpr std::string_view description =
      "Without a user name the address gives one. First and last name are accepted from older clients and not kept.";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::blocking;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::email_taken, Reason::username_taken};
  static void check(const Call&, const Request& in, api::Checks& checks);
  static Result<Response> handle(Call& call, const Request& in);
};

struct Login : Endpoint {
  struct Request {
    std::string email, password;
  };
  using Response = SignedIn;
  static constexpr Route route{Method::post, "/api/v1/auth/login"};
  static constexpr std::string_view id = "tunes.auth.login", summary = "Open a session";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::blocking;
  static constexpr std::array reasons{Reason::wrong_login, Reason::account_disabled, Reason::too_many_logins};
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetMe : Endpoint {
  using Request = Nothing;
  using Response = UserView;
  static constexpr Route route{Method::get, "/api/v1/auth/me"};
  static constexpr std::string_view id = "tunes.auth.me", summary = "Who am I";
  static constexpr bool point_read = true;
  static Result<Response> handle(Call& call, const Request&);
};

}  // namespace toll::tunes

namespace toll::json {

template <>
struct Schema<tunes::UserView> {
  using V = tunes::UserView;
  static constexpr std::string_view name = "Account";
  static constexpr auto fields = std::tuple{
      field(&V::id, "id", "The account's id."), field(&V::email, "email", ""), field(&V::username, "username", ""),
      field(&V::plan, "plan", "free, starter, pro or enterprise.", {.example = "free"}),
      field(&V::created_at, "created_at", "")};
};

template <>
struct Schema<tunes::SignedIn> {
  using V = tunes::SignedIn;
  static constexpr std::string_view name = "Session";
  static constexpr auto fields =
      std::tuple{field(&V::access_token, "access_token", "The session, a JWT.", {.secret = true}),
                 field(&V::token_type, "token_type", "Always bearer."), field(&V::user, "user", "The account.")};
};

template <>
struct Schema<tunes::Register::Request> {
  using R = tunes::Register::Request;
  static constexpr std::string_view name = "OpenAccount";
  static constexpr auto fields =
      std::tuple{field(&R::email, "email", "At most 254 characters.", {.example = "me@example.com", .judged = true}),
                 field(&R::password, "password", "8 to 1024 characters.", {.secret = true}),
                 field(&R::username, "username", "2 to 64 characters."),
                 field(&R::first_name, "first_name", "At most 100 characters.", {.max = 100}),
                 field(&R::last_name, "last_name", "At most 100 characters.", {.max = 100}),
                 field(&R::terms_accepted, "terms_accepted", "false is refused."),
                 field(&R::privacy_accepted, "privacy_accepted", "false is refused.")};
};

template <>
struct Schema<tunes::Login::Request> {
  using R = tunes::Login::Request;
  static constexpr std::string_view name = "OpenSession";
  static constexpr auto fields = std::tuple{field(&R::email, "email", "", {.judged = true}),
                                            field(&R::password, "password", "", {.secret = true})};
};

}  // namespace toll::json
