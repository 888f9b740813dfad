#include "surfaces/deployments/endpoints/keys.h"

#include "base/text.h"
#include "surfaces/deployments/answers.h"
#include "surfaces/deployments/deployment_body.h"

namespace toll::deployed {

namespace {

constexpr std::string_view default_name = "default";

// The key that the route names, under its deployment if it names one. Faults: not_found.
template <class Places>
Result<KeyId> key_of(Call& call, const Places& in) {
  const auto key = uuid(in.key_id);
  std::optional<std::string> deployment;
  if constexpr (requires { in.id; }) deployment = TOLL_TRY(deployment_of(call, in.id)).id.value();
  if (!key || !call.house.keys.find(call.tx(), membership(call).id.value(), KeyId(*key), deployment))
    return Reason::not_found;
  return KeyId(*key);
}

Result<Page<KeyView>> keys_page(Call& call, std::optional<std::string> deployment) {
  const auto which = TOLL_TRY(paging(call));
  const auto found = call.house.keys.list(call.tx(), membership(call).id.value(),
                                          {std::move(deployment), which.offset(), which.limit()});
  std::vector<KeyView> results;
  for (const auto& key : found.keys) results.push_back(view(key, call.now));
  return page(call, which, found.count, std::move(results));
}

Result<NewKeyView> make_key(Call& call, std::string deployment, const identity::OrganisationKeySettings& settings) {
  const auto& member = membership(call);
  const auto fresh = TOLL_TRY(call.house.keys.create(
      call.tx(), {member.id.value(), member.payer, std::move(deployment)}, settings, call.actor()));
  return NewKeyView{view(fresh.key, call.now), fresh.secret};
}

// Which deployment a new key is for; empty: a management key.
std::string deployment_for(Call& call, Fields& fields) {
  const auto kind = lower(fields.text("kind", 1, 20).value_or("deployment"));
  if (kind == "management") return {};
  if (kind != "deployment") {
    fields.refuse("kind", "invalid_choice", "\"" + kind + "\" is not a valid choice.");
    return {};
  }
  const auto named = fields.text("deployment", 1, 64);
  if (named) {
    const auto found = deployment_of(call, *named);
    if (found) return found->id.value();
    fields.refuse("deployment", "does_not_exist", "Invalid pk \"" + *named + "\" - object does not exist.");
    return {};
  }
  const auto all = call.house.deployments.list(call.tx(), membership(call).id, {.limit = 2});
  if (all.count == 1) return all.deployments.front().id.value();
  fields.require("deployment");
  return {};
}

}  // namespace

Result<ListDeploymentKeys::Response> ListDeploymentKeys::handle(Call& call, const Request& in) {
  return keys_page(call, TOLL_TRY(deployment_of(call, in.id)).id.value());
}

Result<ListKeys::Response> ListKeys::handle(Call& call, const Request&) {
  return keys_page(call, std::nullopt);
}

Result<CreateDeploymentKey::Response> CreateDeploymentKey::handle(Call& call, const Request& in) {
  const auto known = TOLL_TRY(deployment_of(call, in.id));
  const auto body = TOLL_TRY(object_of(in.body));
  Fields fields(body);
  identity::OrganisationKeySettings settings;
  settings.name = default_name;
  read_key(fields, "name", true, call.now, settings);
  TOLL_TRY(std::move(fields).done());
  return make_key(call, known.id.value(), settings);
}

Result<CreateKey::Response> CreateKey::handle(Call& call, const Request& in) {
  const auto body = TOLL_TRY(object_of(in.body));
  Fields fields(body);
  identity::OrganisationKeySettings settings;
  settings.name = default_name;
  read_key(fields, "name", true, call.now, settings);
  auto deployment = deployment_for(call, fields);
  TOLL_TRY(std::move(fields).done());
  return make_key(call, std::move(deployment), settings);
}

template <class Base, class Places>
Result<KeyView> GetKeyAt<Base, Places>::handle(Call& call, const Request& in) {
  const auto key = TOLL_TRY(key_of(call, in));
  return view(call.house.keys.find(call.tx(), membership(call).id.value(), key).value(), call.now);
}

template <class Base, class Places>
Result<KeyView> PatchKeyAt<Base, Places>::handle(Call& call, const Request& in) {
  const auto key = TOLL_TRY(key_of(call, in));
  const auto body = TOLL_TRY(object_of(in.body));
  const auto change = [&](identity::OrganisationKeySettings& out) {
    Fields fields(body);
    read_key(fields, "name", true, call.now, out);
    return std::move(fields).done();
  };
  const auto changed =
      TOLL_TRY(call.house.keys.update(call.tx(), membership(call).id.value(), key, change, call.actor()));
  return view(changed, call.now);
}

template <class Base, class Places>
Result<http::Response> DeleteKeyAt<Base, Places>::handle(Call& call, const Request& in) {
  const auto key = TOLL_TRY(key_of(call, in));
  TOLL_TRY(call.house.keys.remove(call.tx(), membership(call).id.value(), key, call.actor()));
  return no_content();
}

template <class Base, class Places>
Result<NewKeyView> RotateKeyAt<Base, Places>::handle(Call& call, const Request& in) {
  const auto key = TOLL_TRY(key_of(call, in));
  const auto body = TOLL_TRY(object_of(in.body));
  Fields fields(body);
  const auto grace = fields.integer("grace_seconds", 0, identity::max_organisation_key_grace.count()).value_or(0);
  TOLL_TRY(std::move(fields).done());
  const auto fresh = TOLL_TRY(
      call.house.keys.rotate(call.tx(), membership(call).id.value(), key, std::chrono::seconds(grace), call.actor()));
  return NewKeyView{view(fresh.key, call.now), fresh.secret};
}

template <class Base, class Places>
Result<KeyView> RevokeKeyAt<Base, Places>::handle(Call& call, const Request& in) {
  const auto key = TOLL_TRY(key_of(call, in));
  return view(TOLL_TRY(call.house.keys.revoke(call.tx(), membership(call).id.value(), key, call.actor())), call.now);
}

template struct GetKeyAt<KeyRead, OfKey>;
template struct GetKeyAt<KeyRead, OfAnyKey>;
template struct PatchKeyAt<KeyWrite, OfKeyBody>;
template struct PatchKeyAt<KeyWrite, OfAnyKeyBody>;
template struct DeleteKeyAt<KeyWrite, OfKey>;
template struct DeleteKeyAt<KeyWrite, OfAnyKey>;
template struct RotateKeyAt<KeyWrite, OfKeyBody>;
template struct RotateKeyAt<KeyWrite, OfAnyKeyBody>;
template struct RevokeKeyAt<KeyWrite, OfKey>;
template struct RevokeKeyAt<KeyWrite, OfAnyKey>;

}  // namespace toll::deployed
