// API keys: made, listed, changed, rotated, revoked, deleted. All of it takes a session: a key never mints a key.
#pragma once

#include <algorithm>

#include "base/text.h"
#include "identity/address_rules.h"
#include "surfaces/tunes/house.h"
#include "surfaces/tunes/wire.h"

namespace toll::tunes {

struct CreatedKey {
  std::string id, api_key, name, key_prefix;
  std::vector<std::string> scopes;
  std::string environment;
  std::int64_t per_minute = 0, per_hour = 0, per_day = 0;
  Stamp created_at;
  std::optional<Stamp> expires_at;
};
CreatedKey created(const identity::FreshTunesKey& fresh);

struct KeyView {
  std::string id, name, key_prefix;
  std::vector<std::string> scopes;
  std::string environment;
  std::int64_t per_minute = 0, per_hour = 0, per_day = 0;
  Stamp created_at;
  std::optional<Stamp> expires_at;
  std::optional<std::string> description;
  std::optional<std::vector<std::string>> ip_whitelist;
  json::Value extra_metadata;
  bool is_active = false;
  std::string status;
  std::int64_t total_requests = 0;
  std::optional<Stamp> last_used_at;
  std::optional<std::string> last_used_ip;
  std::optional<Stamp> revoked_at;
  std::optional<std::string> rotated_from, rotated_to;
  Stamp updated_at;
};
KeyView view(const identity::TunesKey& key, Time now);

// The checks that the tables of members cannot say. Names are those of the wire.
void check_key_name(const std::string& name, api::Checks& checks);
void check_scopes(const std::vector<std::string>& scopes, api::Checks& checks);
void check_allow_list(const std::vector<std::string>& rules, api::Checks& checks);
void check_metadata(const json::Value& metadata, api::Checks& checks);
void check_limits(const identity::OwnLimits& wanted, const metering::Limits& allowed, api::Checks& checks);
// Repetitions dropped, order kept.
std::vector<std::string> each_once(const std::vector<std::string>& texts);

struct CreateKey : Endpoint {
  struct Request {
    std::string name;
    json::Given<std::string> environment;
    json::Given<std::vector<std::string>> scopes;
    std::optional<std::int64_t> expires_in_days, per_minute, per_hour, per_day;
    std::optional<std::vector<std::string>> ip_whitelist;
    std::optional<std::string> description;
    json::Given<json::Value> extra_metadata;

    identity::OwnLimits limits() const { return {per_minute, per_hour, per_day}; }
  };
  using Response = CreatedKey;
  static constexpr int status = 201;
  static constexpr Route route{Method::post, "/api-keys"};
  static constexpr std::string_view id = "tunes.keys.create", summary = "Make an API key; the secret is shown once";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::plan_required, Reason::too_many_keys};
  static void check(const Call& call, const Request& in, api::Checks& checks);
  static Result<Response> handle(Call& call, const Request& in);
};

struct ListKeys : Endpoint {
  struct Request {
    std::optional<std::string> environment;
    std::optional<bool> is_active;
  };
  using Response = std::vector<KeyView>;
  static constexpr Route route{Method::get, "/api-keys"};
  static constexpr std::string_view id = "tunes.keys.list", summary = "All keys, newest first";
  static constexpr Access access = Access::session;
  static void check(const Call&, const Request& in, api::Checks& checks);
  static Result<Response> handle(Call& call, const Request& in);
};

struct OneKey {
  Uuid key_id;
};

struct GetKey : Endpoint {
  using Request = OneKey;
  using Response = KeyView;
  static constexpr Route route{Method::get, "/api-keys/{key_id}"};
  static constexpr std::string_view id = "tunes.keys.get", summary = "One key, without its secret";
  static constexpr Access access = Access::session;
  static constexpr bool point_read = true;
  static constexpr std::array reasons{Reason::key_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct UpdateKey : Endpoint {
  struct Request {
    Uuid key_id;
    json::Given<std::string> name;
    json::Given<std::optional<std::string>> description;
    json::Given<std::vector<std::string>> scopes;
    json::Given<bool> is_active;
    json::Given<std::optional<std::int64_t>> per_minute, per_hour, per_day;
    json::Given<std::optional<std::vector<std::string>>> ip_whitelist;
    json::Given<json::Value> extra_metadata;

    void apply_to(identity::TunesKeySettings& settings) const;
  };
  using Response = KeyView;
  static constexpr Route route{Method::patch, "/api-keys/{key_id}"};
  static constexpr std::string_view id = "tunes.keys.update", summary = "Change a key; what is absent stays";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::key_not_found, Reason::key_revoked, Reason::plan_required};
  static void check(const Call& call, const Request& in, api::Checks& checks);
  static Result<Response> handle(Call& call, const Request& in);
};

struct RotateKey : Endpoint {
  struct Request {
    Uuid key_id;
    json::Given<std::int64_t> grace_seconds;
  };
  using Response = CreatedKey;
  static constexpr Route route{Method::post, "/api-keys/{key_id}/rotate"};
  static constexpr std::string_view id = "tunes.keys.rotate",
                                    summary =
                                        "A new key with the same settings; the old one dies, at once or after "
                                        "its grace";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::key_not_found, Reason::key_revoked, Reason::key_rotated,
                                      Reason::too_many_keys};
  static Result<Response> handle(Call& call, const Request& in);
};

struct RevokeKey : Endpoint {
  using Request = OneKey;
  using Response = KeyView;
  static constexpr Route route{Method::post, "/api-keys/{key_id}/revoke"};
  static constexpr std::string_view id = "tunes.keys.revoke", summary = "Stop a key for ever";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::key_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct DeleteKey : Endpoint {
  using Request = OneKey;
  using Response = http::Response;
  static constexpr int status = 204;
  static constexpr Route route{Method::delete_, "/api-keys/{key_id}"};
  static constexpr std::string_view id = "tunes.keys.delete", summary = "Delete a key";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::key_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::tunes

namespace toll::json {

inline constexpr Rules key_limit_rules{.min = 1};

template <>
struct Schema<tunes::CreatedKey> {
  using V = tunes::CreatedKey;
  static constexpr std::string_view name = "CreatedApiKey";
  static constexpr auto fields =
      std::tuple{field(&V::id, "id", "The key's id, a UUID.", {.example = "550e8400-e29b-41d4-a716-446655440000"}),
                 field(&V::api_key, "api_key", "The secret; it is shown here and never again.", {.secret = true}),
                 field(&V::name, "name", "", {.example = "Production API"}),
                 field(&V::key_prefix, "key_prefix", "The first 11 characters.", {.example = "tt_AbCdEfGh"}),
                 field(&V::scopes, "scopes", "What the key opens."),
                 field(&V::environment, "environment", "development, staging or production: a label."),
                 field(&V::per_minute, "rate_limit_requests_per_minute", "Calls a minute."),
                 field(&V::per_hour, "rate_limit_requests_per_hour", "Calls an hour."),
                 field(&V::per_day, "rate_limit_requests_per_day", "Calls a day."),
                 field(&V::created_at, "created_at", ""),
                 field(&V::expires_at, "expires_at", "When it stops; null: never.")};
};

template <>
struct Schema<tunes::KeyView> {
  using V = tunes::KeyView;
  static constexpr std::string_view name = "ApiKey";
  static constexpr auto fields =
      std::tuple{field(&V::id, "id", "The key's id, a UUID."),
                 field(&V::name, "name", ""),
                 field(&V::key_prefix, "key_prefix", "The first 11 characters of the secret."),
                 field(&V::scopes, "scopes", "What the key opens, as far as the plan does."),
                 field(&V::environment, "environment", "development, staging or production: a label."),
                 field(&V::per_minute, "rate_limit_requests_per_minute", "What holds now: never above the plan."),
                 field(&V::per_hour, "rate_limit_requests_per_hour", "What holds now."),
                 field(&V::per_day, "rate_limit_requests_per_day", "What holds now."),
                 field(&V::created_at, "created_at", ""),
                 field(&V::expires_at, "expires_at", "When it stops; null: never."),
                 field(&V::description, "description", ""),
                 field(&V::ip_whitelist, "ip_whitelist", "Where it may be used from; null: from anywhere."),
                 field(&V::extra_metadata, "extra_metadata", "The owner's own, an object."),
                 field(&V::is_active, "is_active", "Switched on and not revoked."),
                 field(&V::status, "status", "active, inactive, expired, revoked or rotating.", {.example = "active"}),
                 field(&V::total_requests, "total_requests", "Calls so far; at most 2 s late."),
                 field(&V::last_used_at, "last_used_at", "The latest call."),
                 field(&V::last_used_ip, "last_used_ip", "Where it came from."),
                 field(&V::revoked_at, "revoked_at", "When it was revoked, or its grace after a rotation ended."),
                 field(&V::rotated_from, "rotated_from", "The key that this one replaced."),
                 field(&V::rotated_to, "rotated_to", "The key that replaced this one."),
                 field(&V::updated_at, "updated_at", "The latest change of its settings.")};
};

template <>
struct Schema<tunes::CreateKey::Request> {
  using R = tunes::CreateKey::Request;
  static constexpr std::string_view name = "CreateApiKey";
  static constexpr auto fields = std::tuple{
      field(&R::name, "name", "1 to 100 characters.", {.example = "Production API"}),
      field(&R::environment, "environment", "development, staging or production; production unless said otherwise.",
            {.example = "production"}),
      field(&R::scopes, "scopes", "What the key opens; none unless said otherwise.",
            {.example = R"(["read:tracks","read:recommendations"])"}),
      field(&R::expires_in_days, "expires_in_days", "Days until it stops; null: never.",
            {.min = 1, .max = identity::max_key_days, .example = "90"}),
      field(&R::per_minute, "rate_limit_requests_per_minute", "Calls a minute, at most the plan's; null: the plan's.",
            key_limit_rules),
      field(&R::per_hour, "rate_limit_requests_per_hour", "Calls an hour, at most the plan's.", key_limit_rules),
      field(&R::per_day, "rate_limit_requests_per_day", "Calls a day, at most the plan's.", key_limit_rules),
      field(&R::ip_whitelist, "ip_whitelist",
            "At most 100 addresses or CIDR blocks it may be used from; null or empty: from anywhere."),
      field(&R::description, "description", "At most 500 characters.", {.max = 500}),
      field(&R::extra_metadata, "extra_metadata", "An object of at most 4 KiB, yours.")};
};

template <>
struct Schema<tunes::ListKeys::Request> {
  using R = tunes::ListKeys::Request;
  static constexpr std::string_view name = "ListApiKeys";
  static constexpr auto fields =
      std::tuple{field(&R::environment, "environment", "Only keys of this environment.", {.in = In::query}),
                 field(&R::is_active, "is_active", "Only keys that are switched on, or off.", {.in = In::query})};
};

template <>
struct Schema<tunes::OneKey> {
  static constexpr std::string_view name = "OneApiKey";
  static constexpr auto fields = std::tuple{field(&tunes::OneKey::key_id, "key_id", "The key's id.", {.in = In::path})};
};

template <>
struct Schema<tunes::UpdateKey::Request> {
  using R = tunes::UpdateKey::Request;
  static constexpr std::string_view name = "UpdateApiKey";
  static constexpr auto fields = std::tuple{
      field(&R::key_id, "key_id", "The key's id.", {.in = In::path}),
      field(&R::name, "name", "1 to 100 characters.", {.example = "Updated Name"}),
      field(&R::description, "description", "At most 500 characters, or null.", {.max = 500}),
      field(&R::scopes, "scopes", "All that the key shall open from now on."),
      field(&R::is_active, "is_active", "false stops the key at once, true revives it."),
      field(&R::per_minute, "rate_limit_requests_per_minute", "At most the plan's; null: the plan's.", key_limit_rules),
      field(&R::per_hour, "rate_limit_requests_per_hour", "At most the plan's; null: the plan's.", key_limit_rules),
      field(&R::per_day, "rate_limit_requests_per_day", "At most the plan's; null: the plan's.", key_limit_rules),
      field(&R::ip_whitelist, "ip_whitelist", "At most 100 addresses or CIDR blocks; null or empty: from anywhere."),
      field(&R::extra_metadata, "extra_metadata", "An object of at most 4 KiB.")};
};

template <>
struct Schema<tunes::RotateKey::Request> {
  using R = tunes::RotateKey::Request;
  static constexpr std::string_view name = "RotateApiKey";
  static constexpr auto fields = std::tuple{
      field(&R::key_id, "key_id", "The key's id.", {.in = In::path}),
      field(&R::grace_seconds, "grace_seconds", "How long the old key goes on working; 0 unless said otherwise.",
            {.min = 0, .max = identity::max_rotation_grace})};
};

}  // namespace toll::json
