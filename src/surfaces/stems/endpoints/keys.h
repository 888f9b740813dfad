// API keys. The four documented routes act on the default key; the others on keys by id.
#pragma once

#include "identity/names.h"
#include "surfaces/stems/house.h"
#include "surfaces/stems/wire.h"

namespace toll::stems {

constexpr auto key_kind = identity::KeyKind::stems;

struct KeyAnswer {
  std::string api_key, message;
};

struct MaskedKey {
  std::optional<std::string> api_key;
  std::string message;
};

struct GetKey : Endpoint {
  using Request = Nothing;
  using Response = MaskedKey;
  static constexpr Route route{Method::get, "/api-key"};
  static constexpr std::string_view id = "stems.key.get", summary = "The default key, masked";
  static constexpr Access access = Access::session;
  static Result<Response> handle(Call& call, const Request&) {
    if (auto key = call.house.keys.find_default(call.tx(), call.account(), key_kind))
      return MaskedKey{key->masked(), "The full key is shown only once"};
    return MaskedKey{{}, "No API key generated yet"};
  }
};

inline Result<KeyAnswer> make_default_key(api::Call<House>& call) {
  auto fresh = call.house.keys.create(call.tx(), call.account(),
                                      {key_kind, std::string(identity::default_key_name), true, {}, {}}, call.actor());
  if (!fresh) return std::move(fresh).error();
  return KeyAnswer{fresh->secret, "API key generated successfully"};
}

struct GenerateKey : Endpoint {
  using Request = Nothing;
  using Response = KeyAnswer;
  static constexpr Route route{Method::post, "/api-key/generate"};
  static constexpr std::string_view id = "stems.key.generate", summary = "Generate the default key";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::key_exists, Reason::key_name_taken, Reason::too_many_keys};
  static Result<Response> handle(Call& call, const Request&) { return make_default_key(call); }
};

struct RegenerateKey : Endpoint {
  using Request = Nothing;
  using Response = KeyAnswer;
  static constexpr Route route{Method::post, "/api-key/regenerate"};
  static constexpr std::string_view id = "stems.key.regenerate",
                                    summary = "A new default key; the old one fails at once";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static Result<Response> handle(Call& call, const Request&) {
    auto key = call.house.keys.find_default(call.tx(), call.account(), key_kind);
    if (!key) return make_default_key(call);
    auto fresh = call.house.keys.regenerate(call.tx(), call.account(), key->id, call.actor());
    if (!fresh) return std::move(fresh).error();
    return KeyAnswer{fresh->secret, "API key regenerated successfully"};
  }
};

struct DeleteKey : Endpoint {
  using Request = Nothing;
  using Response = Message;
  static constexpr Route route{Method::delete_, "/api-key"};
  static constexpr std::string_view id = "stems.key.delete", summary = "Delete the default key";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::no_key};
  static Result<Response> handle(Call& call, const Request&) {
    auto key = call.house.keys.find_default(call.tx(), call.account(), key_kind);
    if (!key) return Reason::no_key;
    if (auto removed = call.house.keys.remove(call.tx(), call.account(), key->id, call.actor()); !removed)
      return std::move(removed).error();
    return Message{"API key deleted successfully"};
  }
};

struct KeyView {
  std::string id, name;
  std::optional<std::string> api_key;  // only when it was just made
  std::string prefix;
  bool is_default = false;
  Stamp created_at;
  std::optional<Stamp> last_used_at, expires_at;
};
inline KeyView view(const identity::Key& key, std::optional<std::string> secret = {}) {
  return {key.id.value(), key.name,         std::move(secret),       key.prefix,
          key.is_default, {key.created_at}, stamp(key.last_used_at), stamp(key.expires_at)};
}

struct KeyList {
  std::vector<KeyView> keys;
};

struct ListKeys : Endpoint {
  using Request = Nothing;
  using Response = KeyList;
  static constexpr Route route{Method::get, "/api-key/list"};
  static constexpr std::string_view id = "stems.keys.list", summary = "All keys, newest first";
  static constexpr Access access = Access::session;
  static Result<Response> handle(Call& call, const Request&) {
    KeyList out;
    for (const auto& key : call.house.keys.list(call.tx(), call.account(), key_kind)) out.keys.push_back(view(key));
    return out;
  }
};

struct CreateKey : Endpoint {
  struct Request {
    std::string name;
    std::optional<std::int64_t> expires_in_days;
  };
  using Response = KeyView;
  static constexpr Route route{Method::post, "/api-key"};
  static constexpr std::string_view id = "stems.keys.create", summary = "Make a named key";
  static constexpr int status = 201;
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::key_name_taken, Reason::too_many_keys};
  static void check(const Call&, const Request& in, api::Checks& checks) {
    checks.refuse_if(identity::key_name_problem(in.name), "name", in.name);
  }
  static Result<Response> handle(Call& call, const Request& in) {
    identity::NewKey wanted{key_kind, in.name, false, {}, {}};
    if (in.expires_in_days) wanted.expires_at = call.now + std::chrono::days(*in.expires_in_days);
    auto fresh = call.house.keys.create(call.tx(), call.account(), wanted, call.actor());
    if (!fresh) return std::move(fresh).error();
    return view(fresh->key, fresh->secret);
  }
};

// An account's keys of other surfaces are no keys here.
inline Result<KeyId> own_kind(const api::Call<House>& call, const std::string& id) {
  const auto key = call.house.keys.find(call.tx(), call.account(), KeyId(id));
  if (!key || key->kind != key_kind) return Reason::key_not_found;
  return key->id;
}

struct RenameKey : Endpoint {
  struct Request {
    std::string key_id, name;
  };
  using Response = KeyView;
  static constexpr Route route{Method::patch, "/api-key/{key_id}"};
  static constexpr std::string_view id = "stems.keys.rename", summary = "Rename a key";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::key_not_found, Reason::key_name_taken};
  static void check(const Call&, const Request& in, api::Checks& checks) {
    checks.refuse_if(identity::key_name_problem(in.name), "name", in.name);
  }
  static Result<Response> handle(Call& call, const Request& in) {
    const auto key_id = TOLL_TRY(own_kind(call, in.key_id));
    auto key = call.house.keys.rename(call.tx(), call.account(), key_id, in.name, call.actor());
    if (!key) return std::move(key).error();
    return view(*key);
  }
};

struct KeyPath {
  std::string key_id;
};

struct RegenerateNamedKey : Endpoint {
  using Request = KeyPath;
  using Response = KeyView;
  static constexpr Route route{Method::post, "/api-key/{key_id}/regenerate"};
  static constexpr std::string_view id = "stems.keys.regenerate", summary = "A new secret for the same key";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::key_not_found};
  static Result<Response> handle(Call& call, const Request& in) {
    const auto key_id = TOLL_TRY(own_kind(call, in.key_id));
    auto fresh = call.house.keys.regenerate(call.tx(), call.account(), key_id, call.actor());
    if (!fresh) return std::move(fresh).error();
    return view(fresh->key, fresh->secret);
  }
};

struct DeleteNamedKey : Endpoint {
  using Request = KeyPath;
  using Response = Message;
  static constexpr Route route{Method::delete_, "/api-key/{key_id}"};
  static constexpr std::string_view id = "stems.keys.delete", summary = "Delete a key";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::key_not_found};
  static Result<Response> handle(Call& call, const Request& in) {
    const auto key_id = TOLL_TRY(own_kind(call, in.key_id));
    if (auto removed = call.house.keys.remove(call.tx(), call.account(), key_id, call.actor()); !removed)
      return std::move(removed).error();
    return Message{"API key deleted successfully"};
  }
};

}  // namespace toll::stems

namespace toll::json {

template <>
struct Schema<stems::KeyAnswer> {
  using V = stems::KeyAnswer;
  static constexpr std::string_view name = "KeyAnswer";
  static constexpr auto fields = std::tuple{field(&V::api_key, "api_key", "The key; this once.", {.secret = true}),
                                            field(&V::message, "message", "")};
};

template <>
struct Schema<stems::MaskedKey> {
  using V = stems::MaskedKey;
  static constexpr std::string_view name = "MaskedKey";
  static constexpr auto fields =
      std::tuple{field(&V::api_key, "api_key", "Masked: sk_AbCd...wxyz."), field(&V::message, "message", "")};
};

template <>
struct Schema<stems::KeyView> {
  using V = stems::KeyView;
  static constexpr std::string_view name = "Key";
  static constexpr auto fields = std::tuple{
      field(&V::id, "id", ""),
      field(&V::name, "name", ""),
      field(&V::api_key, "api_key", "The key; only in the answer that made it.", {.secret = true, .omit_null = true}),
      field(&V::prefix, "prefix", "Its first 7 characters."),
      field(&V::is_default, "is_default", ""),
      field(&V::created_at, "created_at", ""),
      field(&V::last_used_at, "last_used_at", "Some seconds late."),
      field(&V::expires_at, "expires_at", "")};
};

template <>
struct Schema<stems::KeyList> {
  static constexpr std::string_view name = "KeyList";
  static constexpr auto fields = std::tuple{field(&stems::KeyList::keys, "keys", "Newest first.")};
};

template <>
struct Schema<stems::CreateKey::Request> {
  using R = stems::CreateKey::Request;
  static constexpr std::string_view name = "CreateKey";
  static constexpr auto fields =
      std::tuple{field(&R::name, "name", "1 to 64 characters, unique in the account.", {.example = "ci"}),
                 field(&R::expires_in_days, "expires_in_days", "Null: never.", {.min = 1, .max = 3650})};
};

template <>
struct Schema<stems::RenameKey::Request> {
  using R = stems::RenameKey::Request;
  static constexpr std::string_view name = "RenameKey";
  static constexpr auto fields = std::tuple{field(&R::key_id, "key_id", "The key's id.", {.in = In::path}),
                                            field(&R::name, "name", "1 to 64 characters.")};
};

template <>
struct Schema<stems::KeyPath> {
  static constexpr std::string_view name = "KeyPath";
  static constexpr auto fields =
      std::tuple{field(&stems::KeyPath::key_id, "key_id", "The key's id.", {.in = In::path})};
};

}  // namespace toll::json
