#include "surfaces/media/endpoints/keys.h"

#include <algorithm>

namespace toll::media_api {

namespace {

std::string_view status_name(identity::ClientKeyStatus status) {
  switch (status) {
    case identity::ClientKeyStatus::active:
      return "ACTIVE";
    case identity::ClientKeyStatus::revoked:
      return "REVOKED";
    case identity::ClientKeyStatus::expired:
      break;
  }
  return "EXPIRED";
}

std::optional<std::int64_t> number(const std::optional<Whole>& value) {
  return value ? std::optional(value->value) : std::nullopt;
}

// A slice that does not fit, under its name on the wire.
Fault named(Fault fault) {
  if (fault.reason() != Reason::invalid_request) return fault;
  auto problems = fault.problems();
  for (auto& problem : problems) {
    auto& name = std::get<std::string>(problem.path.front());
    name = name == "query_slice" ? "queryQuota" : "mutationQuota";
  }
  return Fault(Reason::invalid_request).at(std::move(problems));
}

}  // namespace

KeyView view(const identity::ClientKey& key, Time now) {
  KeyView out;
  out.client_id = key.client_id;
  out.name = key.settings.name;
  out.permissions = key.settings.permissions;
  out.status = status_name(key.status(now));
  out.query_quota = key.settings.query_slice;
  out.query_used = key.query_used;
  out.mutation_quota = key.settings.mutation_slice;
  out.mutation_used = key.mutation_used;
  out.created_at = {key.created_at};
  out.last_used_at = moment(key.last_used_at);
  out.expires_at = moment(key.expires_at);
  return out;
}

void CreateKey::check(const Call& call, const Request& in, api::Checks& checks) {
  if (in.expires_at && in.expires_at->time <= call.now)
    checks.refuse("expiresAt", json::Value(nullptr), "must be in the future");
}

Result<FreshKeyView> CreateKey::handle(Call& call, const Request& in) {
  TOLL_TRY(call.house.access.check(call.tx(), call.account()));
  identity::ClientKeySettings settings;
  settings.name = in.name.text;
  settings.permissions = in.permissions ? in.permissions->names
                                        : std::vector<std::string>(identity::client_permissions.begin(),
                                                                   identity::client_permissions.end());
  settings.query_slice = number(in.query_quota);
  settings.mutation_slice = number(in.mutation_quota);
  const auto expires_at = in.expires_at ? std::optional(in.expires_at->time) : std::nullopt;
  auto fresh = call.house.keys.create(call.tx(), call.account(), settings, expires_at, call.actor());
  if (!fresh) return named(std::move(fresh).error());
  return FreshKeyView{view(fresh->key, call.now), fresh->secret};
}

Result<KeyList> ListKeys::handle(Call& call, const Request& in) {
  KeyList out{in.limit.value_or(10), in.offset.value_or(0), call.house.keys.count(call.tx(), call.account()), {}};
  for (const auto& key : call.house.keys.list(call.tx(), call.account(), static_cast<std::size_t>(out.limit),
                                              static_cast<std::size_t>(out.offset)))
    out.data.push_back(view(key, call.now));
  return out;
}

Result<KeyView> GetKey::handle(Call& call, const Request& in) {
  const auto key = call.house.keys.find(call.tx(), call.account(), in.client_id);
  if (!key) return Reason::key_not_found;
  return view(*key, call.now);
}

Result<KeyView> ChangeKey::handle(Call& call, const Request& in) {
  const auto change = [&](identity::ClientKeySettings& settings) {
    if (in.name) settings.name = in.name->text;
    if (in.permissions) settings.permissions = in.permissions->names;
    if (in.query_quota) settings.query_slice = number(*in.query_quota);
    if (in.mutation_quota) settings.mutation_slice = number(*in.mutation_quota);
  };
  auto key = call.house.keys.update(call.tx(), call.account(), in.client_id, change, call.actor());
  if (!key) return named(std::move(key).error());
  return view(*key, call.now);
}

Result<FreshKeyView> RegenerateKey::handle(Call& call, const Request& in) {
  const std::chrono::seconds grace(number(in.grace_seconds).value_or(0));
  const auto fresh = TOLL_TRY(call.house.keys.regenerate(call.tx(), call.account(), in.client_id, grace, call.actor()));
  return FreshKeyView{view(fresh.key, call.now), fresh.secret};
}

Result<http::Response> RevokeKey::handle(Call& call, const Request& in) {
  TOLL_TRY(call.house.keys.revoke(call.tx(), call.account(), in.client_id, call.actor()));
  return bare(status);
}

}  // namespace toll::media_api

namespace toll::json {

void Codec<media_api::Permissions>::read(const Value& v, media_api::Permissions& out, const Rules&, Reading& reading) {
  constexpr std::string_view wanted = "must be a list of some of read, write and delete";
  if (!v.is_array() || v.get_array().empty()) return reading.refuse(Problem::rejected, std::string(wanted), v);
  const auto& known = identity::client_permissions;
  for (const auto& one : v.get_array()) {
    if (!one.is_string() || std::ranges::find(known, std::string_view(one.get_string())) == known.end())
      return reading.refuse(Problem::rejected, std::string(wanted), v);
    std::string name(one.get_string());
    if (std::ranges::find(out.names, name) == out.names.end()) out.names.push_back(std::move(name));
  }
}

Object Codec<media_api::Permissions>::schema(const Rules&, Definitions&) {
  Array names;
  for (auto name : identity::client_permissions) names.emplace_back(name);
  return {{"type", "array"}, {"minItems", 1}, {"items", Object{{"type", "string"}, {"enum", names}}}};
}

void Codec<media_api::FreshKeyView>::write(std::string& out, const media_api::FreshKeyView& v, bool redact) {
  Codec<media_api::KeyView>::write(out, v.key, redact);
  out.pop_back();
  out += ",\"clientSecret\":";
  if (redact)
    out += "null";
  else
    append_string(out, v.secret);
  out += '}';
}

Object Codec<media_api::FreshKeyView>::schema(const Rules&, Definitions& all) {
  Object secret{{"clientSecret", Object{{"type", "string"}, {"description", "For x-client-secret; shown here only."}}}};
  return {{"allOf", Array{Codec<media_api::KeyView>::schema({}, all),
                          Object{{"type", "object"}, {"properties", std::move(secret)}}}}};
}

}  // namespace toll::json
