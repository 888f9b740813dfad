// Reasons that this surface says in words of its own; the rest have the catalogue's. The places in a text are the
// fault's arguments.
#include "surfaces/inference/dialect.h"

namespace toll::open_inference {

namespace {

using api::FaultRow;

// clang-format off
constexpr auto rows = api::by_reason(api::usual_statuses, std::to_array<FaultRow>({
    {Reason::unknown_route,           404, "", "not found: shared memory, statistics, configuration, tracing, and loading and unloading of models are not offered here"},
    {Reason::method_not_allowed,      405, "", "method not allowed"},
    {Reason::unsupported_media_type,  415, "", "a compressed body is not taken"},
    {Reason::request_timeout,         408, "", "the request took too long to arrive"},
    {Reason::no_credentials,          401, "", "no credentials: send x-api-key or Authorization: Bearer"},
    {Reason::wrong_scheme,            401, "", "no credentials: send x-api-key or Authorization: Bearer"},
    {Reason::bad_key,                 401, "", "invalid or revoked api key"},
    {Reason::bad_session,             401, "", "invalid or revoked api key"},
    {Reason::bad_session_subject,     401, "", "invalid or revoked api key"},
    {Reason::account_gone,            401, "", "invalid or revoked api key"},
    {Reason::account_disabled,        401, "", "invalid or revoked api key"},
    {Reason::model_not_found,         404, "", "model not found"},
    {Reason::version_not_found,       404, "", "version not found"},
    {Reason::file_not_found,          404, "", "the model has no such ONNX file"},
    {Reason::model_not_permitted,     403, "", "not authorized for this model"},
    {Reason::model_unusable,          422, "", "the model cannot be run: {why}"},
    {Reason::insufficient_credits,    402, "", "this call costs {needed} credits and the balance is {balance}"},
    {Reason::too_many_requests,       429, "", "too many calls at the same time"},
    {Reason::overloaded,              503, "", "every worker is busy"},
    {Reason::job_timed_out,           504, "", "the run took too long and was ended"},
    {Reason::worker_lost,             500, "", "the run ended its worker process"},
    {Reason::cancelled,               503, "", "the run was cancelled"},
    {Reason::internal,                500, "", "internal error"},
}));
// clang-format on

}  // namespace

const api::FaultRow& Dialect::row(Reason reason) {
  return rows[static_cast<std::size_t>(reason)];
}

}  // namespace toll::open_inference
