// Every reason of the catalogue in this surface's codes. A kind of reason without words of its own has the code of its
// status; texts say no more than the contract does.
#include "surfaces/media/dialect.h"

namespace toll::media_api {

namespace {

using api::FaultRow;
using api::KindStatus;

constexpr std::array statuses = [] {
  auto all = api::usual_statuses;
  for (auto& one : all)
    if (one.kind == Kind::invalid) one.status = 422;
  return all;
}();

constexpr FaultRow unauthenticated(Reason reason) {
  return {reason, 401, "IAM001", "You are not authenticated"};
}
constexpr FaultRow unauthorized(Reason reason) {
  return {reason, 403, "IAM002", "You are not authorized"};
}

// clang-format off
constexpr auto own_rows = std::to_array<FaultRow>({
    unauthenticated(Reason::no_credentials),
    unauthenticated(Reason::wrong_scheme),
    unauthenticated(Reason::bad_key),
    unauthenticated(Reason::bad_session),
    unauthenticated(Reason::bad_session_subject),
    unauthenticated(Reason::account_gone),
    unauthenticated(Reason::account_disabled),
    unauthenticated(Reason::bad_admin_token),
    unauthenticated(Reason::no_admin_token),
    unauthorized(Reason::session_required),
    unauthorized(Reason::admin_required),
    unauthorized(Reason::missing_scope),
    {Reason::quota_used_up,            429, "AA001",  "API limit reached"},
    {Reason::insufficient_credits,     402, "U007",   "Insufficient credits"},
    {Reason::media_not_found,          404, "MED404", "Media not found"},
    {Reason::key_not_found,            404, "KEY404", "Key not found"},
    {Reason::key_revoked,              409, "KEY409", "Key has been revoked"},
    {Reason::too_many_keys,            409, "KEY410", "An account can have {limit} keys"},
    {Reason::unknown_route,            404, "SYS404", "Route not found"},
    {Reason::access_request_not_found, 404, "SYS404", "Route not found"},
    {Reason::method_not_allowed,       405, "SYS405", "Method not allowed"},
    {Reason::model_not_found,          404, "MOD404", "Model not found"},
    {Reason::version_not_found,        404, "MOD404", "Model not found"},
    {Reason::model_unusable,           422, "MOD001", "The model cannot be used: {why}"},
    {Reason::body_too_large,           413, "VAL002", "Request body too large"},
    {Reason::unsupported_media_type,   415, "VAL003", "Unsupported content type"},
    {Reason::idempotency_mismatch,     422, "VAL004", "Idempotency-Key reused with a different request"},
    {Reason::idempotency_running,      409, "VAL005", "Request with this Idempotency-Key is in progress"},
    {Reason::access_not_approved,      403, "ACC001", "API access is not approved"},
    {Reason::access_pending,           409, "ACC002", "Access request already pending"},
    {Reason::access_decided,           409, "ACC003", "Access request already decided"},
    {Reason::client_gone,              400, "VAL001", "Validation failed"},
    {Reason::request_timeout,          408, "SYS408", "Request timeout"},
});
// clang-format on

struct Words {
  std::string_view code, text;
};

constexpr Words words_of(Kind kind) {
  switch (kind) {
    case Kind::invalid:
      return {"VAL001", "Validation failed"};
    case Kind::unauthenticated:
      return {"IAM001", "You are not authenticated"};
    case Kind::forbidden:
      return {"IAM002", "You are not authorized"};
    case Kind::not_found:
    case Kind::gone:
      return {"SYS404", "Route not found"};
    case Kind::conflict:
      return {"SYS409", "Conflict"};
    case Kind::unpaid:
      return {"U007", "Insufficient credits"};
    case Kind::too_large:
      return {"VAL002", "Request body too large"};
    case Kind::throttled:
      return {"LIM001", "Too many requests"};
    case Kind::unavailable:
      return {"SYS503", "Service unavailable"};
    case Kind::upstream:
      return {"SYS502", "Bad gateway"};
    case Kind::internal:
      break;
  }
  return {"SYS001", "Internal server error"};
}

constexpr auto rows = [] {
  auto all = api::by_reason(statuses, own_rows);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].code.empty()) continue;
    const auto words = words_of(reason_catalogue[i].kind);
    all[i].code = words.code;
    all[i].text = words.text;
  }
  return all;
}();

}  // namespace

const api::FaultRow& Dialect::row(Reason reason) {
  return rows[static_cast<std::size_t>(reason)];
}

}  // namespace toll::media_api
