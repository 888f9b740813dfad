// Client pairs: made, shown, changed, given a new secret, revoked. By session only.
#pragma once

#include "surfaces/media/wire.h"

namespace toll::media_api {

struct KeyView {
  std::string client_id, name;
  std::vector<std::string> permissions;
  std::string status;
  std::optional<std::int64_t> query_quota;
  std::int64_t query_used = 0;
  std::optional<std::int64_t> mutation_quota;
  std::int64_t mutation_used = 0;
  Moment created_at;
  std::optional<Moment> last_used_at, expires_at;
};
KeyView view(const identity::ClientKey& key, Time now);

// A KeyView with its secret, which is shown here only.
struct FreshKeyView {
  KeyView key;
  std::string secret;
};

struct Permissions {
  std::vector<std::string> names;
};

struct CreateKey : SessionEndpoint {
  struct Request {
    Label name;
    std::optional<Permissions> permissions;
    std::optional<Whole> query_quota, mutation_quota;
    std::optional<Moment> expires_at;
  };
  using Response = FreshKeyView;
  static constexpr Route route{Method::post, "/api/keys"};
  static constexpr std::string_view id = "media.keys.create", summary = "A new client pair; its secret is shown once";
  static constexpr int status = 201;
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::access_not_approved, Reason::invalid_request, Reason::too_many_keys};
  static void check(const Call& call, const Request& in, api::Checks& checks);
  static Result<Response> handle(Call& call, const Request& in);
};

struct Page {
  std::optional<std::int64_t> limit, offset;
};
struct KeyList {
  std::int64_t limit = 0, offset = 0, total = 0;
  std::vector<KeyView> data;
};

struct ListKeys : SessionEndpoint {
  using Request = Page;
  using Response = KeyList;
  static constexpr Route route{Method::get, "/api/keys"};
  static constexpr std::string_view id = "media.keys.list", summary = "The account's client pairs, newest first";
  static Result<Response> handle(Call& call, const Request& in);
};

struct OneKey {
  std::string client_id;
};

struct GetKey : SessionEndpoint {
  using Request = OneKey;
  using Response = KeyView;
  static constexpr Route route{Method::get, "/api/keys/{clientId}"};
  static constexpr std::string_view id = "media.keys.get", summary = "One client pair";
  static constexpr std::array reasons{Reason::key_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct ChangeKey : SessionEndpoint {
  struct Request {
    std::string client_id;
    json::Given<Label> name;
    json::Given<Permissions> permissions;
    json::Given<std::optional<Whole>> query_quota, mutation_quota;
  };
  using Response = KeyView;
  static constexpr Route route{Method::patch, "/api/keys/{clientId}"};
  static constexpr std::string_view id = "media.keys.change", summary = "Change a pair's name, permissions or slices";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::key_not_found, Reason::key_revoked, Reason::invalid_request};
  static Result<Response> handle(Call& call, const Request& in);
};

struct RegenerateKey : SessionEndpoint {
  struct Request {
    std::string client_id;
    std::optional<Whole> grace_seconds;
  };
  using Response = FreshKeyView;
  static constexpr Route route{Method::post, "/api/keys/{clientId}/regenerate"};
  static constexpr std::string_view id = "media.keys.regenerate", summary = "A new secret for the same id";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::key_not_found, Reason::key_revoked, Reason::invalid_request};
  static Result<Response> handle(Call& call, const Request& in);
};

struct RevokeKey : SessionEndpoint {
  using Request = OneKey;
  using Response = http::Response;
  static constexpr Route route{Method::delete_, "/api/keys/{clientId}"};
  static constexpr std::string_view id = "media.keys.revoke", summary = "Revoke a client pair; it stays listed";
  static constexpr int status = 204;
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::key_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::media_api

namespace toll::json {

template <>
struct Codec<media_api::Permissions> {
  static void read(const Value& v, media_api::Permissions& out, const Rules&, Reading& reading);
  static Object schema(const Rules&, Definitions&);
};

template <>
struct Schema<media_api::KeyView> {
  using V = media_api::KeyView;
  static constexpr Rules maybe{.omit_null = true};
  static constexpr std::string_view name = "ClientKey";
  static constexpr auto fields =
      std::tuple{field(&V::client_id, "clientId", "For x-client-id.", {.example = "692d5c1d0ac955973b9583fc"}),
                 field(&V::name, "name", "Its label."),
                 field(&V::permissions, "permissions", "Of read, write and delete."),
                 field(&V::status, "status", "ACTIVE, REVOKED or EXPIRED."),
                 field(&V::query_quota, "queryQuota", "Its slice of the account's quota, if it has one.", maybe),
                 field(&V::query_used, "queryUsed", "GET calls so far."),
                 field(&V::mutation_quota, "mutationQuota", "The same of POST and DELETE calls.", maybe),
                 field(&V::mutation_used, "mutationUsed", "POST and DELETE calls so far."),
                 field(&V::created_at, "createdAt", "When it was made."),
                 field(&V::last_used_at, "lastUsedAt", "When it was used, some seconds late.", maybe),
                 field(&V::expires_at, "expiresAt", "When it ends by itself.", maybe)};
};

// Flat, as the answer is.
template <>
struct Codec<media_api::FreshKeyView> {
  static void write(std::string& out, const media_api::FreshKeyView& v, bool redact);
  static Object schema(const Rules&, Definitions& all);
};
template <>
constexpr bool has_secret<media_api::FreshKeyView>() {
  return true;
}

template <>
struct Schema<media_api::CreateKey::Request> {
  using T = media_api::CreateKey::Request;
  static constexpr std::string_view name = "NewClientKey";
  static constexpr auto fields = std::tuple{
      field(&T::name, "name", "A label.", {.max = 100, .example = "production"}),
      field(&T::permissions, "permissions", "Some of read, write and delete; all of them unless said otherwise."),
      field(&T::query_quota, "queryQuota", "A slice of the account's quota.", {.min = 0}),
      field(&T::mutation_quota, "mutationQuota", "The same.", {.min = 0}),
      field(&T::expires_at, "expiresAt", "When it ends by itself.")};
};

template <>
struct Schema<media_api::Page> {
  using T = media_api::Page;
  static constexpr std::string_view name = "Page";
  static constexpr auto fields = std::tuple{
      field(&T::limit, "limit", "At most so many; 10 unless said otherwise.", {.in = In::query, .min = 1, .max = 100}),
      field(&T::offset, "offset", "After so many.", {.in = In::query, .min = 0})};
};

template <>
struct Schema<media_api::KeyList> {
  using V = media_api::KeyList;
  static constexpr std::string_view name = "ClientKeyList";
  static constexpr auto fields =
      std::tuple{field(&V::limit, "limit", "As used."), field(&V::offset, "offset", "As used."),
                 field(&V::total, "total", "All there are."), field(&V::data, "data", "The keys.")};
};

template <>
struct Schema<media_api::OneKey> {
  static constexpr std::string_view name = "OneClientKey";
  static constexpr auto fields =
      std::tuple{field(&media_api::OneKey::client_id, "clientId", "The key's id.", {.in = In::path})};
};

template <>
struct Schema<media_api::ChangeKey::Request> {
  using T = media_api::ChangeKey::Request;
  static constexpr std::string_view name = "ClientKeyChange";
  static constexpr auto fields =
      std::tuple{field(&T::client_id, "clientId", "The key's id.", {.in = In::path}),
                 field(&T::name, "name", "A label.", {.max = 100}),
                 field(&T::permissions, "permissions", "Some of read, write and delete."),
                 field(&T::query_quota, "queryQuota", "A slice, not below its use; null takes it away.", {.min = 0}),
                 field(&T::mutation_quota, "mutationQuota", "The same.", {.min = 0})};
};

template <>
struct Schema<media_api::RegenerateKey::Request> {
  using T = media_api::RegenerateKey::Request;
  static constexpr std::string_view name = "RegenerateClientKey";
  static constexpr auto fields = std::tuple{
      field(&T::client_id, "clientId", "The key's id.", {.in = In::path}),
      field(&T::grace_seconds, "graceSeconds", "How long the old secret still works.", {.min = 0, .max = 86400})};
};

}  // namespace toll::json
