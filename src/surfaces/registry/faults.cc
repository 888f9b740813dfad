// Reasons that this surface says in words of its own; the rest have the catalogue's. The places in a text are the
// fault's arguments.
#include "surfaces/registry/dialect.h"

namespace toll::registry {

namespace {

using api::FaultRow;
using api::KindStatus;

// What is wrong with a request is 422 here.
constexpr std::array statuses = [] {
  auto all = api::usual_statuses;
  for (auto& one : all)
    if (one.kind == Kind::invalid) one.status = 422;
  return all;
}();

// clang-format off
constexpr auto rows = api::by_reason(statuses, std::to_array<FaultRow>({
    {Reason::body_too_large,          413, "", "request body too large"},
    {Reason::unknown_route,           404, "", "Not Found"},
    {Reason::method_not_allowed,      405, "", "Method Not Allowed"},
    {Reason::client_gone,             400, "", "There was an error parsing the body"},
    {Reason::request_timeout,         408, "", "Request timeout"},
    {Reason::too_many_requests,       429, "", "rate limit exceeded"},
    {Reason::rate_limited,            429, "", "rate limit exceeded"},
    {Reason::no_credentials,          401, "", "missing x-api-key"},
    {Reason::wrong_scheme,            401, "", "missing x-api-key"},
    {Reason::bad_key,                 401, "", "invalid or revoked api key"},
    {Reason::bad_session,             401, "", "invalid or revoked api key"},
    {Reason::bad_session_subject,     401, "", "invalid or revoked api key"},
    {Reason::account_gone,            401, "", "invalid or revoked api key"},
    {Reason::account_disabled,        401, "", "invalid or revoked api key"},
    {Reason::session_required,        401, "", "invalid or revoked api key"},
    {Reason::bad_admin_token,         401, "", "invalid admin token"},
    {Reason::admin_required,          401, "", "invalid admin token"},
    {Reason::no_admin_token,          503, "", "admin token not configured"},
    {Reason::role_required,           403, "", "{role} role required"},
    {Reason::registration_closed,     403, "", "registration is closed"},
    {Reason::email_not_allowed,       403, "", "email not allowed"},
    {Reason::email_taken,             409, "", "email already registered"},
    {Reason::account_not_found,       404, "", "user not found"},
    {Reason::idempotency_running,     409, "", "request with this Idempotency-Key is in progress"},
    {Reason::model_not_found,         404, "", "model not found"},
    {Reason::repo_taken,              409, "", "repo_id already taken"},
    {Reason::repo_not_yours,          403, "", "not owner or model missing"},
    {Reason::model_not_permitted,     403, "", "not authorized for this model"},
    {Reason::version_not_found,       404, "", "version not found"},
    {Reason::version_in_use,          409, "", "version is in use by alias {alias}"},
    {Reason::version_not_completed,   409, "", "version not completed"},
    {Reason::version_is_alias,        409, "", "an alias has this name"},
    {Reason::alias_is_version,        409, "", "a version has this name"},
    {Reason::file_not_found,          404, "", "file not found"},
    {Reason::file_exists,             409, "", "file already exists in this version"},
    {Reason::object_not_accessible,   404, "", "object not accessible: {key}"},
    {Reason::size_mismatch,           409, "", "size mismatch: declared {declared}, received {received}"},
    {Reason::digest_mismatch,         409, "", "sha256 mismatch: declared {declared}, received {received}"},
    {Reason::upload_not_found,        404, "", "upload not found"},
    {Reason::object_store_unavailable,503, "", "object store unavailable"},
    {Reason::storage_full,            503, "", "insufficient storage"},
    {Reason::overloaded,              503, "", "Service Unavailable"},
    {Reason::shutting_down,           503, "", "Service Unavailable"},
    {Reason::internal,                500, "", "Internal Server Error"},
}));
// clang-format on

}  // namespace

const api::FaultRow& Dialect::row(Reason reason) {
  return rows[static_cast<std::size_t>(reason)];
}

}  // namespace toll::registry
