#include "surfaces/deployments/wire.h"

#include "surfaces/deployments/fields.h"

namespace toll::deployed {

namespace {

std::optional<Moment> moment(const std::optional<Time>& time) {
  return time ? std::optional(Moment{*time}) : std::nullopt;
}

}  // namespace

OrganisationView view(const identity::Organisation& organisation) {
  return {organisation.id,
          organisation.name,
          std::string(identity::to_string(organisation.role)),
          organisation.personal,
          {organisation.created_at}};
}

MemberView view(const identity::Member& member) {
  return {member.account.value(),
          member.email,
          member.username,
          std::string(identity::to_string(member.role)),
          {member.since}};
}

DeploymentView view(const deployments::Deployment& deployment, const Surroundings& around) {
  const auto& settings = deployment.settings;
  DeploymentView out;
  out.id = deployment.id.value();
  out.api_name = settings.api_name;
  out.display_name = settings.display_name;
  out.description = settings.description;
  out.workflow = settings.workflow.value();
  out.workflow_name = around.workflow_name;
  out.deployment_type = workflows::to_string(settings.type);
  out.is_active = settings.active;
  out.api_endpoint = "deployment/api/" + deployment.organisation.value() + "/" + settings.api_name + "/";
  out.rate_limit_per_minute = settings.rate_limit;
  out.allowed_ips = settings.allowed_ips;
  out.allow_path_key = settings.allow_path_key;
  out.limits = {settings.limits.max_file_mb, settings.limits.max_files, settings.limits.timeout_s};
  out.parameters = settings.parameters;
  out.result_ttl_s = settings.result_ttl_s;
  out.compat_reread = settings.compat_reread;
  out.run_count = deployment.run_count;
  out.last_run_time = moment(deployment.last_run_at);
  for (const auto state : around.last_runs) out.last_5_run_statuses.emplace_back(workflows::to_string(state));
  out.created_at = {deployment.created_at};
  out.updated_at = {deployment.updated_at};
  return out;
}

KeyView view(const identity::OrganisationKey& key, Time now) {
  KeyView out;
  out.id = key.id.value();
  out.name = key.settings.name;
  out.kind = key.deployment.empty() ? "management" : "deployment";
  if (!key.deployment.empty()) out.deployment = key.deployment;
  out.masked = key.masked;
  out.is_active = key.active(now);
  out.allowed_ips = key.settings.allowed_ips;
  out.expires_at = moment(key.settings.expires_at);
  out.last_used_at = moment(key.last_used_at);
  if (key.rotated_from) out.rotated_from = key.rotated_from->value();
  if (key.rotated_to) out.grace_until = moment(key.revoked_at);
  if (key.revoked_at && *key.revoked_at <= now) out.revoked_at = moment(key.revoked_at);
  out.created_at = {key.created_at};
  return out;
}

}  // namespace toll::deployed

namespace toll::json {

namespace {

void reopen(std::string& out) {
  out.pop_back();  // the closing brace
}

void append_secret(std::string& out, const std::string& secret, bool redact) {
  out += ",\"api_key\":";
  redact ? void(out += "null") : append_string(out, secret);
  out += '}';
}

Object with_members(Object base, Object more) {
  return {{"allOf", Array{std::move(base), Object{{"type", "object"}, {"properties", std::move(more)}}}}};
}

const Object shown_once{{"type", Array{"string", "null"}},
                        {"description", "The key itself: shown this once; null in a repeated answer."}};

}  // namespace

void Codec<deployed::Moment>::write(std::string& out, const deployed::Moment& v, bool) {
  append_string(out, deployed::iso(v.at));
}

void Codec<deployed::NewDeploymentView>::write(std::string& out, const deployed::NewDeploymentView& v, bool redact) {
  Codec<deployed::DeploymentView>::write(out, v.deployment, redact);
  reopen(out);
  out += ",\"key_id\":";
  append_string(out, v.key_id);
  append_secret(out, v.api_key, redact);
}

Object Codec<deployed::NewDeploymentView>::schema(const Rules&, Definitions& all) {
  return with_members(Codec<deployed::DeploymentView>::schema({}, all),
                      {{"key_id", Object{{"type", "string"}}}, {"api_key", shown_once}});
}

void Codec<deployed::NewKeyView>::write(std::string& out, const deployed::NewKeyView& v, bool redact) {
  Codec<deployed::KeyView>::write(out, v.key, redact);
  reopen(out);
  append_secret(out, v.api_key, redact);
}

Object Codec<deployed::NewKeyView>::schema(const Rules&, Definitions& all) {
  return with_members(Codec<deployed::KeyView>::schema({}, all), {{"api_key", shown_once}});
}

}  // namespace toll::json
