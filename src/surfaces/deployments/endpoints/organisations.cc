#include "surfaces/deployments/endpoints/organisations.h"

#include "base/text.h"
#include "surfaces/deployments/answers.h"
#include "surfaces/deployments/fields.h"

namespace toll::deployed {

Result<ListOrganisations::Response> ListOrganisations::handle(Call& call, const Request&) {
  call.house.organisations.personal(call.tx(), call.account());
  Response out;
  for (const auto& one : call.house.organisations.of(call.tx(), call.account())) out.push_back(view(one));
  return out;
}

Result<CreateOrganisation::Response> CreateOrganisation::handle(Call& call, const Request& in) {
  const auto body = TOLL_TRY(object_of(in.body));
  Fields fields(body);
  fields.require("name");
  const auto name = fields.text("name", 1, identity::max_organisation_name);
  TOLL_TRY(std::move(fields).done());
  call.house.organisations.personal(call.tx(), call.account());
  return view(TOLL_TRY(call.house.organisations.create(call.tx(), call.account(), *name, call.actor())));
}

Result<ListMembers::Response> ListMembers::handle(Call& call, const Request&) {
  const auto which = TOLL_TRY(paging(call));
  const auto all = call.house.organisations.members(call.tx(), membership(call).id.value());
  std::vector<MemberView> results;
  for (auto i = which.offset(); i < all.size() && results.size() < which.limit(); ++i) results.push_back(view(all[i]));
  return page(call, which, static_cast<std::int64_t>(all.size()), std::move(results));
}

Result<AddMember::Response> AddMember::handle(Call& call, const Request& in) {
  const auto body = TOLL_TRY(object_of(in.body));
  Fields fields(body);
  fields.require("email");
  fields.require("role");
  const auto email = fields.text("email", 1, 254);
  const auto named = fields.text("role", 1, 20);
  const auto role = named ? identity::organisation_role_from(lower(*named)) : std::nullopt;
  if (named && !role) fields.refuse("role", "invalid_choice", "\"" + *named + "\" is not a valid choice.");
  TOLL_TRY(std::move(fields).done());
  auto made = call.house.organisations.put_member(call.tx(), membership(call).id.value(), *email, *role, call.actor());
  if (!made && made.error().reason() == Reason::account_not_found) {
    Fields again(body);
    again.refuse("email", "does_not_exist", "There is no account with this email address.");
    TOLL_TRY(std::move(again).done());
  }
  return view(TOLL_TRY(std::move(made)));
}

Result<http::Response> RemoveMember::handle(Call& call, const Request& in) {
  const auto account = parse_int(in.account_id);
  if (!account) return Reason::not_found;
  TOLL_TRY(call.house.organisations.remove_member(call.tx(), membership(call).id.value(), AccountId(*account),
                                                  call.actor()));
  return no_content();
}

}  // namespace toll::deployed
