#include "surfaces/media/endpoints/models.h"

#include "media/look.h"

namespace toll::media_api {

namespace {

AssignmentView view(const media::Assignment& from) {
  AssignmentView out;
  out.role = name_of(from.role);
  out.repo_id = from.repo_id;
  if (!from.version.empty()) out.version = from.version;
  out.assigned_at = {from.assigned_at};
  return out;
}

}  // namespace

Result<AssignmentList> ListModels::handle(Call& call, const Request&) {
  AssignmentList out;
  for (const auto& one : call.house.models.list(call.tx())) out.data.push_back(view(one));
  return out;
}

Result<void> AssignModel::prepare(Call& call, Request& in) {
  auto& house = call.house;
  const auto found = TOLL_TRY(house.db.read(
      [&](sql::Tx& tx) { return house.models.look(tx, in.role.role, in.repo_id, in.version.value_or("")); }));
  const auto runner = house.runner();
  return media::check_loaded(house.store, found, *runner);
}

Result<AssignmentView> AssignModel::handle(Call& call, const Request& in) {
  return view(call.house.models.assign(call.tx(), in.role.role, in.repo_id, in.version.value_or(""), call.actor()));
}

Result<http::Response> UnassignModel::handle(Call& call, const Request& in) {
  if (!call.house.models.unassign(call.tx(), in.role.role, call.actor())) return Reason::model_not_found;
  return bare(status);
}

}  // namespace toll::media_api

namespace toll::json {

void Codec<media_api::RoleName>::read_text(std::string_view text, media_api::RoleName& out, const Rules&,
                                           Reading& reading) {
  const auto role = engines::forensics::role_of(text);
  if (!role) return reading.refuse_text("must be one of DF-1, AC-1, FD-1, FE-1 and FI-1.liveness", text);
  out.role = *role;
}

}  // namespace toll::json
