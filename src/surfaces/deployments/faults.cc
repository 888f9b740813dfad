// Reasons that this surface says in words of its own; the rest have the catalogue's. The places in a text are the
// fault's arguments.
#include "surfaces/deployments/dialect.h"

namespace toll::deployed {

namespace {

using api::FaultRow;

// clang-format off
constexpr auto rows = api::by_reason(api::usual_statuses, std::to_array<FaultRow>({
    {Reason::malformed_json,          400, "parse_error", "JSON parse error"},
    {Reason::malformed_multipart,     400, "parse_error", "Multipart form parse error"},
    {Reason::part_too_large,          413, "file_too_large", "A form field is larger than {limit} KiB"},
    {Reason::body_too_large,          413, "file_too_large", "The request body is larger than {megabytes} MB"},
    {Reason::upload_too_large,        413, "file_too_large", "The file is larger than {megabytes} MB"},
    {Reason::invalid_request,         400, "invalid", "The request is not valid."},
    {Reason::unknown_route,           404, "not_found", "Not found."},
    {Reason::not_found,               404, "not_found", "Not found."},
    {Reason::workflow_not_found,      404, "not_found", "Not found."},
    {Reason::secret_not_found,        404, "not_found", "Not found."},
    {Reason::key_not_found,           404, "not_found", "Not found."},
    {Reason::model_not_found,         404, "not_found", "Not found."},
    {Reason::execution_not_found,     404, "not_found", "Not found."},
    {Reason::api_not_found,           404, "not_found", "API not found"},
    {Reason::api_inactive,            404, "not_found", "API not found or Inactive"},
    {Reason::account_not_found,       400, "does_not_exist", "There is no account with this email address."},
    {Reason::method_not_allowed,      405, "method_not_allowed", "Method \"{method}\" not allowed."},
    {Reason::unsupported_media_type,  415, "unsupported_media_type", "Unsupported media type \"{type}\" in request."},
    {Reason::request_timeout,         408, "error", "The request took too long to arrive."},
    {Reason::too_many_requests,       429, "throttled", "Request was throttled. Expected available in 1 seconds."},
    {Reason::rate_limited,            429, "throttled", "Request was throttled. Expected available in {seconds} seconds."},
    {Reason::no_credentials,          401, "error", "Unauthorized"},
    {Reason::wrong_scheme,            401, "error", "Unauthorized"},
    {Reason::bad_key,                 401, "error", "Unauthorized"},
    {Reason::bad_session,             401, "error", "Unauthorized"},
    {Reason::bad_session_subject,     401, "error", "Unauthorized"},
    {Reason::account_gone,            401, "error", "Unauthorized"},
    {Reason::account_disabled,        401, "error", "Unauthorized"},
    {Reason::missing_api_key,         403, "error", "Missing api key"},
    {Reason::ip_not_allowed,          403, "ip_not_allowed", "IP address not allowed"},
    {Reason::role_required,           403, "permission_denied", "You do not have permission to perform this action."},
    {Reason::session_required,        403, "permission_denied", "You do not have permission to perform this action."},
    {Reason::insufficient_credits,    402, "insufficient_credits", "Insufficient credits"},
    {Reason::workflow_in_use,         409, "workflow_in_use", "The workflow is used by a deployment."},
    {Reason::execution_finished,      409, "execution_finished", "The execution has ended already; it is {status}."},
    {Reason::idempotency_mismatch,    422, "idempotency_mismatch", "The Idempotency-Key was used with another request."},
    {Reason::idempotency_running,     409, "idempotency_in_progress", "A request with this Idempotency-Key is in progress."},
    {Reason::limit_reached,           409, "limit_reached", "There can be {limit} {things}."},
    {Reason::key_revoked,             409, "key_revoked", "The key has been revoked."},
    {Reason::key_rotated,             409, "key_rotated", "The key has been rotated already."},
    {Reason::owner_stays,             409, "owner_stays", "An organisation keeps its owner."},
    {Reason::result_expired,          410, "result_expired", "The result has expired."},
    {Reason::result_acknowledged,     406, "acknowledged", "Result already acknowledged"},
    {Reason::fetch_failed,            502, "fetch_failed", "The file could not be fetched: {why}"},
    {Reason::fetch_timed_out,         504, "fetch_failed", "The host of the file took too long to answer."},
    {Reason::egress_forbidden,        400, "egress_forbidden", "This server does not call that address."},
    {Reason::storage_full,            503, "unavailable", "There is no room to store this now."},
    {Reason::overloaded,              503, "unavailable", "The server has too much to do now."},
    {Reason::shutting_down,           503, "unavailable", "The server is stopping."},
    {Reason::internal,                500, "error", "A server error occurred."},
}));
// clang-format on

}  // namespace

const api::FaultRow& Dialect::row(Reason reason) {
  return rows[static_cast<std::size_t>(reason)];
}

const api::FaultRow& McpDialect::row(Reason reason) {
  return Dialect::row(reason);
}

}  // namespace toll::deployed
