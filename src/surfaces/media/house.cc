#include "surfaces/media/house.h"

namespace toll::media_api {

Result<void> sessions_only(const identity::Principal& who) {
  if (who.by_session()) return {};
  return Reason::session_required;
}

Result<void> admins_only(const identity::Principal& who) {
  TOLL_TRY(sessions_only(who));
  if (who.admin) return {};
  return Reason::admin_required;
}

std::string origin_of(const Call& call) {
  if (!call.house.public_url.empty()) return call.house.public_url;
  return (call.request.tls ? "https://" : "http://") + std::string(call.request.fields.get("Host"));
}

http::Response bare(int status) {
  http::Response response;
  response.status = status;
  return response;
}

}  // namespace toll::media_api
