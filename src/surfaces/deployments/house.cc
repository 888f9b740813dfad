#include "surfaces/deployments/house.h"

#include <algorithm>

#include "base/text.h"
#include "identity/address_rules.h"
#include "surfaces/deployments/dialect.h"
#include "surfaces/deployments/fields.h"

namespace toll::deployed {

namespace {

using deployments::Deployment;
using identity::CredentialKind;

bool allowed(const Call& call, const identity::AddressRules& rules) {
  const auto address = identity::parse_address(call.remote);
  return address && rules.allows(*address);
}

Result<void> let_in(Call& call, Deployment found, Use use) {
  TOLL_TRY(may_come(call, found));
  auto kept = std::make_shared<Entry>();
  kept->deployment = std::move(found);
  call.kept = kept;
  if (use == Use::read) return {};
  TOLL_TRY(count_run(call, kept->deployment));
  return find_workflow(call, *kept);
}

}  // namespace

std::string_view place(const Call& call, std::size_t index) {
  return call.params.at(index);
}

Result<void> managers(const identity::Principal& who) {
  if (!who.by_session() && !who.deployment.empty()) return Reason::role_required;
  return {};
}

Result<void> people(const identity::Principal& who) {
  if (!who.by_session()) return Reason::role_required;
  return {};
}

Result<void> admit_to_organisation(Call& call, OrganisationRole least) {
  call.kept.reset();
  const auto id = uuid(place(call, 0));
  if (!id) return Reason::not_found;
  Membership found;
  found.id = workflows::OrganisationId(*id);
  if (call.who->by_session()) {
    const auto organisation = call.house.organisations.find(call.tx(), *id, call.account());
    if (!organisation) return Reason::not_found;
    found.payer = organisation->owner;
    found.role = organisation->role;
  } else {
    if (call.who->organisation != *id) return Reason::not_found;
    TOLL_TRY(key_allowed(call));
    found.payer = call.account();
    found.role = OrganisationRole::member;
  }
  if (const auto named = call.request.fields.find("X-Organization-Id"); named && lower(trim(*named)) != *id)
    return Reason::role_required;
  if (found.role < least) return Reason::role_required;
  call.kept = std::make_shared<Membership>(std::move(found));
  return {};
}

const Membership& membership(const Call& call) {
  return *static_cast<const Membership*>(call.kept.get());
}

Result<void> admit_documented(Call& call, Use use) {
  call.kept.reset();
  const auto& who = *call.who;
  if (who.via != CredentialKind::deployment_key || who.deployment.empty()) return Reason::bad_key;
  auto found = call.house.deployments.find(call.tx(), workflows::OrganisationId(who.organisation),
                                           workflows::DeploymentId(who.deployment));
  if (!found) return Reason::bad_key;
  const bool by_path = !call.request.fields.find("Authorization");
  if (by_path && !found->settings.allow_path_key && !approach_of(call.request.path).documentation)
    return Reason::no_credentials;
  return let_in(call, std::move(*found), use);
}

Result<void> admit_compat(Call& call, Use use) {
  call.kept.reset();
  const auto& who = *call.who;
  if (who.via != CredentialKind::deployment_key || who.deployment.empty()) return Reason::bad_key;
  if (lower(place(call, 0)) != who.organisation) return Reason::api_not_found;
  auto found =
      call.house.deployments.find_by_name(call.tx(), workflows::OrganisationId(who.organisation), place(call, 1));
  if (!found) return Reason::api_not_found;
  if (found->id.value() != who.deployment) return found->settings.active ? Reason::bad_key : Reason::api_inactive;
  return let_in(call, std::move(*found), use);
}

Result<void> key_allowed(const Call& call) {
  if (call.who->allowed_from && !allowed(call, *call.who->allowed_from)) return Reason::ip_not_allowed;
  return {};
}

Result<void> may_come(const Call& call, const Deployment& found) {
  TOLL_TRY(key_allowed(call));
  const auto& rules = found.settings.allowed_ips;
  if (!rules.empty() && !allowed(call, identity::AddressRules(rules))) return Reason::ip_not_allowed;
  if (!found.settings.active) return Reason::api_inactive;
  return {};
}

Entry& entry(const Call& call) {
  return *static_cast<Entry*>(call.kept.get());
}

Result<void> find_workflow(Call& call, Entry& entry) {
  const auto& house = call.house;
  const auto& settings = entry.deployment.settings;
  entry.workflow = TOLL_TRY(house.workflows.get(call.tx(), entry.deployment.organisation, settings.workflow));
  const auto& definition = entry.workflow->definition;
  entry.takes_files = std::ranges::any_of(definition.steps, [](const auto& s) { return s.uses == "source.request"; });
  entry.most_files =
      std::min(settings.limits.max_files.value_or(definition.limits.max_files), house.workflows.caps().max_files);
  const auto megabytes =
      std::min(settings.limits.max_file_mb.value_or(definition.limits.max_file_mb), house.workflows.caps().max_file_mb);
  entry.most_bytes = static_cast<std::uint64_t>(megabytes) << 20;
  return {};
}

Result<void> count_run(Call& call, const Deployment& deployment) {
  const auto verdict = call.house.calls.admit(call.tx(), deployment.id, deployment.settings.rate_limit);
  call.stamps.set("X-RateLimit-Limit", std::to_string(verdict.limit));
  call.stamps.set("X-RateLimit-Remaining", std::to_string(verdict.remaining));
  call.stamps.set("X-RateLimit-Reset", iso(verdict.reset));
  if (!verdict.admitted) return Fault(Reason::rate_limited).retry_after(verdict.retry_after);
  return {};
}

void count_refusal(Call& call, const Fault& fault) {
  const auto status = Dialect::row(fault.reason()).status;
  if (!call.kept || status >= 500 || fault.reason() == Reason::client_gone) return;
  call.house.calls.rejected(call.tx(), deployment(call).id);
}

}  // namespace toll::deployed
