// Health and users: registration without a password, the current user, a new key in the place of the old.
#pragma once

#include "surfaces/registry/house.h"
#include "surfaces/registry/wire.h"

namespace toll::registry {

struct HealthView {
  bool ok = true;
  std::int64_t time = 0;
};

struct NewUser {
  Email email;
  PersonName name;
};

struct UserKey {
  std::int64_t user_id = 0;
  std::string api_key;
};

struct Me {
  std::int64_t user_id = 0;
  std::string email, name, role;
};

struct GetHealth : Endpoint {
  using Request = Nothing;
  using Response = HealthView;
  static constexpr Route route{Method::get, "/healthz"};
  static constexpr std::string_view id = "registry.health", summary = "Whether the server lives";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::here;
  static Result<Response> handle(Call& call, const Request&) { return HealthView{true, models::to_seconds(call.now)}; }
};

struct RegisterUser : Endpoint {
  using Request = NewUser;
  using Response = UserKey;
  static constexpr Route route{Method::post, "/v1/users/register"};
  static constexpr std::string_view id = "registry.users.register", summary = "Register and get a key";
  static constexpr std::string_view description = "The key is shown once. The account has no password.";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::email_taken, Reason::registration_closed, Reason::email_not_allowed};
  static Result<Response> handle(Call& call, const Request& in) {
    auto fresh = TOLL_TRY(call.house.users.register_self(call.tx(), in.email.text, in.name.text, call.actor()));
    auto by = trace(call);
    by.actor.account = fresh.user.account;
    call.house.log.write(call.tx(), by, "user_registered");
    return UserKey{fresh.user.account.value(), std::move(fresh.secret)};
  }
};

struct RotateKey : Endpoint {
  using Request = Nothing;
  using Response = UserKey;
  static constexpr Route route{Method::post, "/v1/users/rotate-key"};
  static constexpr std::string_view id = "registry.users.rotate", summary = "A new key; the old ones fail at once";
  static constexpr Runs runs = Runs::write;
  static Result<Response> handle(Call& call, const Request&) {
    auto fresh = TOLL_TRY(call.house.users.rotate(call.tx(), call.account(), call.who->key, call.actor()));
    call.house.log.write(call.tx(), trace(call), "key_rotated");
    return UserKey{fresh.user.account.value(), std::move(fresh.secret)};
  }
};

struct GetMe : Endpoint {
  using Request = Nothing;
  using Response = Me;
  static constexpr Route route{Method::get, "/v1/users/me"};
  static constexpr std::string_view id = "registry.users.me", summary = "The current user";
  static constexpr bool point_read = true, one_statement = true;
  static Result<Response> handle(Call& call, const Request&) {
    const auto user = call.house.users.find(call.tx(), call.account());
    if (!user) return Reason::bad_key;
    return Me{user->account.value(), user->email, user->name, std::string(to_string(user->role))};
  }
};

}  // namespace toll::registry

namespace toll::json {

template <>
struct Schema<registry::HealthView> {
  using V = registry::HealthView;
  static constexpr std::string_view name = "Health";
  static constexpr auto fields = std::tuple{field(&V::ok, "ok", "True."), field(&V::time, "time", "Now, in seconds.")};
};

template <>
struct Schema<registry::NewUser> {
  using V = registry::NewUser;
  static constexpr std::string_view name = "RegisterUser";
  static constexpr auto fields =
      std::tuple{field(&V::email, "email", "The address; compared without case.", {.example = "you@example.com"}),
                 field(&V::name, "name", "What the person is called.", {.example = "You"})};
};

template <>
struct Schema<registry::UserKey> {
  using V = registry::UserKey;
  static constexpr std::string_view name = "UserKey";
  static constexpr auto fields =
      std::tuple{field(&V::user_id, "user_id", "The account."),
                 field(&V::api_key, "api_key", "The key (sk_live_...), shown this once.", {.secret = true})};
};

template <>
struct Schema<registry::Me> {
  using V = registry::Me;
  static constexpr std::string_view name = "RegistryUser";
  static constexpr auto fields = std::tuple{
      field(&V::user_id, "user_id", "The account."), field(&V::email, "email", "The address."),
      field(&V::name, "name", "What the person is called."), field(&V::role, "role", "developer, platform or admin.")};
};

}  // namespace toll::json
