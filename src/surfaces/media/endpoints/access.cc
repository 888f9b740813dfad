#include "surfaces/media/endpoints/access.h"

namespace toll::media_api {

namespace {

AccessView view(const media::AccessRequest& request) {
  AccessView out;
  out.id = request.id;
  out.status = to_string(request.status);
  out.mutation_quota = request.mutation_quota;
  out.query_quota = request.query_quota;
  out.reason = request.reason;
  out.created_at = {request.created_at};
  out.decided_at = moment(request.decided_at);
  return out;
}

Result<AccessView> decide(Call& call, const ApproveAccess::Request& in, bool approve) {
  return view(TOLL_TRY(call.house.access.decide(call.tx(), in.request_id, approve, in.reason, call.actor())));
}

}  // namespace

void AskAccess::check(const Call&, const Request& in, api::Checks& checks) {
  if (checks.unread("mutationQuota") || checks.unread("queryQuota")) return;
  if (2 * in.query_quota.value < 3 * in.mutation_quota.value)
    checks.refuse("queryQuota", in.query_quota.value, "must be at least 1.5 times mutationQuota");
}

Result<AccessView> AskAccess::handle(Call& call, const Request& in) {
  return view(TOLL_TRY(
      call.house.access.ask(call.tx(), call.account(), in.mutation_quota.value, in.query_quota.value, call.actor())));
}

Result<AccessView> GetAccess::handle(Call& call, const Request&) {
  const auto newest = call.house.access.newest(call.tx(), call.account());
  if (!newest) return Reason::access_request_not_found;
  return view(*newest);
}

Result<AccessList> ListAccess::handle(Call& call, const Request& in) {
  media::ListAccess which;
  if (in.status) which.status = in.status->state;
  which.limit = in.limit.value_or(10);
  which.offset = in.offset.value_or(0);
  AccessList out{which.limit, which.offset, call.house.access.count(call.tx(), which), {}};
  for (const auto& request : call.house.access.list(call.tx(), which)) out.data.push_back(view(request));
  return out;
}

Result<AccessView> ApproveAccess::handle(Call& call, const Request& in) {
  return decide(call, in, true);
}

Result<AccessView> RejectAccess::handle(Call& call, const Request& in) {
  return decide(call, in, false);
}

}  // namespace toll::media_api

namespace toll::json {

void Codec<media_api::AccessStatusName>::read_text(std::string_view text, media_api::AccessStatusName& out,
                                                   const Rules&, Reading& reading) {
  const auto state = media::access_state_from(text);
  if (!state || *state == media::AccessState::none)
    return reading.refuse_text("must be one of PENDING, APPROVED and REJECTED", text);
  out.state = *state;
}

}  // namespace toll::json
