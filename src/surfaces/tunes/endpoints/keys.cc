#include "surfaces/tunes/endpoints/keys.h"

#include <fmt/format.h>

namespace toll::tunes {

namespace {

constexpr std::size_t max_metadata_bytes = 4096;

std::optional<Stamp> when_revoked(const identity::TunesKey& key, Time now) {
  return key.revoked_at && *key.revoked_at <= now ? stamp(key.revoked_at) : std::nullopt;
}

std::optional<std::string> text_of(const std::optional<KeyId>& id) {
  return id ? std::optional(id->value()) : std::nullopt;
}

void refuse_element(api::Checks& checks, std::string_view list, std::size_t at, const std::string& value,
                    std::string why) {
  checks.refuse_at({std::string(list), static_cast<std::int64_t>(at)}, value, std::move(why));
}

void check_limit(std::string_view name, const std::optional<std::int64_t>& wanted, std::int64_t allowed,
                 api::Checks& checks) {
  if (wanted && *wanted > allowed)
    checks.refuse(name, *wanted, fmt::format("must be at most {}, which is what the plan allows", allowed));
}

std::string metadata_text(const json::Value& metadata) {
  return boost::json::serialize(metadata);
}

// Given a value, the value; given null, nothing.
template <class T>
void apply(const json::Given<std::optional<T>>& given, std::optional<T>& to) {
  if (given) to = *given;
}

}  // namespace

CreatedKey created(const identity::FreshTunesKey& fresh) {
  const auto& key = fresh.key;
  return {key.id.value(),    fresh.secret,         key.settings.name,
          key.prefix,        key.settings.scopes,  std::string(to_string(key.environment)),
          key.limits.minute, key.limits.hour,      key.limits.day,
          {key.created_at},  stamp(key.expires_at)};
}

KeyView view(const identity::TunesKey& key, Time now) {
  const auto status = key.status(now);
  KeyView out;
  out.id = key.id.value();
  out.name = key.settings.name;
  out.key_prefix = key.prefix;
  out.scopes = key.settings.scopes;
  out.environment = to_string(key.environment);
  out.per_minute = key.limits.minute;
  out.per_hour = key.limits.hour;
  out.per_day = key.limits.day;
  out.created_at = {key.created_at};
  out.expires_at = stamp(key.expires_at);
  out.description = key.settings.description;
  if (!key.settings.allow_list.empty()) out.ip_whitelist = key.settings.allow_list;
  out.extra_metadata = json::parse(key.settings.metadata).value_or(json::Value(json::Object{}));
  out.is_active = key.settings.active && status != identity::KeyStatus::revoked;
  out.status = to_string(status);
  out.total_requests = key.total_requests;
  out.last_used_at = stamp(key.last_used_at);
  out.last_used_ip = key.last_used_ip;
  out.revoked_at = when_revoked(key, now);
  out.rotated_from = text_of(key.rotated_from);
  out.rotated_to = text_of(key.rotated_to);
  out.updated_at = {key.updated_at};
  return out;
}

void check_key_name(const std::string& name, api::Checks& checks) {
  const auto length = static_cast<std::int64_t>(utf8_length(trim(name)));
  if (length < 1 || length > identity::max_tunes_key_name)
    checks.refuse("name", name, fmt::format("must be 1 to {} characters", identity::max_tunes_key_name));
}

void check_scopes(const std::vector<std::string>& scopes, api::Checks& checks) {
  for (std::size_t i = 0; i < scopes.size(); ++i)
    if (!identity::lowest_plan(scopes[i])) refuse_element(checks, "scopes", i, scopes[i], "is not a scope");
}

void check_allow_list(const std::vector<std::string>& rules, api::Checks& checks) {
  if (rules.size() > identity::max_address_rules)
    return checks.refuse("ip_whitelist", rules, fmt::format("must have at most {} items", identity::max_address_rules));
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (auto problem = identity::address_rule_problem(rules[i]))
      refuse_element(checks, "ip_whitelist", i, rules[i], std::move(*problem));
}

void check_metadata(const json::Value& metadata, api::Checks& checks) {
  if (!metadata.is_object()) return checks.refuse("extra_metadata", metadata, "must be an object", Problem::not_object);
  if (metadata_text(metadata).size() > max_metadata_bytes)
    checks.refuse("extra_metadata", metadata, fmt::format("must be at most {} bytes", max_metadata_bytes));
}

void check_limits(const identity::OwnLimits& wanted, const metering::Limits& allowed, api::Checks& checks) {
  check_limit("rate_limit_requests_per_minute", wanted.minute, allowed.minute, checks);
  check_limit("rate_limit_requests_per_hour", wanted.hour, allowed.hour, checks);
  check_limit("rate_limit_requests_per_day", wanted.day, allowed.day, checks);
}

std::vector<std::string> each_once(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const auto& text : texts)
    if (std::ranges::find(out, text) == out.end()) out.push_back(text);
  return out;
}

void CreateKey::check(const Call& call, const Request& in, api::Checks& checks) {
  check_key_name(in.name, checks);
  if (in.environment && !identity::environment_from(*in.environment))
    checks.refuse("environment", *in.environment, "must be development, staging or production");
  if (in.scopes) check_scopes(*in.scopes, checks);
  if (in.ip_whitelist) check_allow_list(*in.ip_whitelist, checks);
  if (in.extra_metadata) check_metadata(*in.extra_metadata, checks);
  check_limits(in.limits(), call.who->limits, checks);
}

Result<CreatedKey> CreateKey::handle(Call& call, const Request& in) {
  identity::NewTunesKey wanted;
  auto& settings = wanted.settings;
  settings.name = trim(in.name);
  settings.description = in.description;
  if (in.scopes) settings.scopes = each_once(*in.scopes);
  settings.limits = in.limits();
  if (in.ip_whitelist) settings.allow_list = each_once(*in.ip_whitelist);
  if (in.extra_metadata) settings.metadata = metadata_text(*in.extra_metadata);
  if (in.environment) wanted.environment = identity::environment_from(*in.environment).value();
  wanted.lifetime_days = in.expires_in_days;
  auto fresh = call.house.keys.create(call.tx(), call.account(), wanted, call.actor());
  if (!fresh) return std::move(fresh).error();
  return created(*fresh);
}

void ListKeys::check(const Call&, const Request& in, api::Checks& checks) {
  if (in.environment && !identity::environment_from(*in.environment))
    checks.refuse("environment", *in.environment, "must be development, staging or production", Problem::rejected,
                  Place::query);
}

Result<std::vector<KeyView>> ListKeys::handle(Call& call, const Request& in) {
  identity::TunesKeys::Filter filter;
  if (in.environment) filter.environment = identity::environment_from(*in.environment);
  filter.active = in.is_active;
  std::vector<KeyView> out;
  for (const auto& key : call.house.keys.list(call.tx(), call.account(), filter))
    out.push_back(view(key, call.house.clock.now()));
  return out;
}

Result<KeyView> GetKey::handle(Call& call, const Request& in) {
  const auto key = call.house.keys.find(call.tx(), call.account(), KeyId(in.key_id.value));
  if (!key) return Reason::key_not_found;
  return view(*key, call.house.clock.now());
}

void UpdateKey::check(const Call& call, const Request& in, api::Checks& checks) {
  if (in.name) check_key_name(*in.name, checks);
  if (in.scopes) check_scopes(*in.scopes, checks);
  if (in.ip_whitelist && *in.ip_whitelist) check_allow_list(**in.ip_whitelist, checks);
  if (in.extra_metadata) check_metadata(*in.extra_metadata, checks);
  identity::OwnLimits wanted;
  apply(in.per_minute, wanted.minute);
  apply(in.per_hour, wanted.hour);
  apply(in.per_day, wanted.day);
  check_limits(wanted, call.who->limits, checks);
}

void UpdateKey::Request::apply_to(identity::TunesKeySettings& settings) const {
  if (name) settings.name = trim(*name);
  apply(description, settings.description);
  if (scopes) settings.scopes = each_once(*scopes);
  if (is_active) settings.active = *is_active;
  apply(per_minute, settings.limits.minute);
  apply(per_hour, settings.limits.hour);
  apply(per_day, settings.limits.day);
  if (ip_whitelist) settings.allow_list = *ip_whitelist ? each_once(**ip_whitelist) : std::vector<std::string>();
  if (extra_metadata) settings.metadata = metadata_text(*extra_metadata);
}

Result<KeyView> UpdateKey::handle(Call& call, const Request& in) {
  const auto change = [&](identity::TunesKeySettings& settings) { in.apply_to(settings); };
  auto key = call.house.keys.update(call.tx(), call.account(), KeyId(in.key_id.value), change, call.actor());
  if (!key) return std::move(key).error();
  return view(*key, call.house.clock.now());
}

Result<CreatedKey> RotateKey::handle(Call& call, const Request& in) {
  const std::chrono::seconds grace(in.grace_seconds.value_or(0));
  auto fresh = call.house.keys.rotate(call.tx(), call.account(), KeyId(in.key_id.value), grace, call.actor());
  if (!fresh) return std::move(fresh).error();
  return created(*fresh);
}

Result<KeyView> RevokeKey::handle(Call& call, const Request& in) {
  auto key = call.house.keys.revoke(call.tx(), call.account(), KeyId(in.key_id.value), call.actor());
  if (!key) return std::move(key).error();
  return view(*key, call.house.clock.now());
}

Result<http::Response> DeleteKey::handle(Call& call, const Request& in) {
  auto gone = call.house.keys.remove(call.tx(), call.account(), KeyId(in.key_id.value), call.actor());
  if (!gone) return std::move(gone).error();
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace toll::tunes
