// Every reason of the catalogue as this surface says it. The places in a text are the fault's arguments.
#include "surfaces/stems/dialect.h"

namespace toll::stems {

namespace {

using api::FaultRow;

// clang-format off
constexpr auto rows = api::by_reason(api::usual_statuses, std::to_array<FaultRow>({
    {Reason::invalid_request,        422, "", "Unprocessable Entity"},
    {Reason::malformed_json,         422, "", "JSON decode error"},
    {Reason::malformed_multipart,    400, "", "There was an error parsing the body"},
    {Reason::part_too_large,         400, "", "Part exceeded maximum size of {limit}KB."},
    {Reason::body_too_large,         413, "", "Request body too large"},
    {Reason::upload_too_large,       413, "", "File too large. Maximum size is {limit} bytes"},
    {Reason::unknown_route,          404, "", "Not Found"},
    {Reason::method_not_allowed,     405, "", "Method Not Allowed"},
    {Reason::client_gone,            400, "", "There was an error parsing the body"},
    {Reason::request_timeout,        408, "", "Request timeout"},
    {Reason::too_many_requests,      429, "", "Too Many Requests"},
    {Reason::no_credentials,         401, "", "Not authenticated"},
    {Reason::wrong_scheme,           401, "", "Not authenticated"},
    {Reason::bad_key,                401, "", "Invalid API key"},
    {Reason::bad_session,            401, "", "Could not validate credentials"},
    {Reason::bad_session_subject,    401, "", "Invalid token format"},
    {Reason::account_gone,           401, "", "User not found"},
    {Reason::account_disabled,       403, "", "Account has been disabled"},
    {Reason::session_required,       401, "", "Could not validate credentials"},
    {Reason::admin_required,         403, "", "Admin access required"},
    {Reason::missing_scope,          403, "", "Not enough permissions"},
    {Reason::email_taken,            400, "", "Email already registered"},
    {Reason::username_taken,         400, "", "Username already taken"},
    {Reason::username_too_short,     400, "", "Username must be at least 2 characters"},
    {Reason::password_too_short,     400, "", "New password must be at least 6 characters"},
    {Reason::wrong_login,            401, "", "Incorrect email or password"},
    {Reason::too_many_logins,        429, "", "Too many failed logins"},
    {Reason::wrong_current_password, 400, "", "Current password is incorrect"},
    {Reason::wrong_password,         400, "", "Password is incorrect"},
    {Reason::account_not_found,      404, "", "User not found"},
    {Reason::cannot_disable_admin,   400, "", "Cannot disable admin accounts"},
    {Reason::key_exists,             400, "", "API key already exists. Use regenerate endpoint to create a new one."},
    {Reason::no_key,                 404, "", "No API key to delete"},
    {Reason::key_not_found,          404, "", "API key not found"},
    {Reason::key_name_taken,         400, "", "A key with this name already exists"},
    {Reason::too_many_keys,          400, "", "Too many API keys"},
    {Reason::insufficient_credits,   402, "", "Insufficient credits. You need {needed} credit(s). Current balance: {balance}"},
    {Reason::balance_below_zero,     400, "", "Balance cannot go below zero"},
    {Reason::unknown_package,        400, "", "Unknown credit package"},
    {Reason::amount_not_positive,    400, "", "Amount must be positive"},
    {Reason::payment_token_missing,  400, "", "Payment token is required"},
    {Reason::payment_declined,       400, "", "Payment failed: {code}"},
    {Reason::payment_failed,         502, "", "Payment processing error"},
    {Reason::payments_off,           503, "", "Payment processing not configured"},
    {Reason::bad_idempotency_key,    400, "", "Invalid Idempotency-Key"},
    {Reason::idempotency_mismatch,   422, "", "Idempotency-Key was used with another request"},
    {Reason::idempotency_running,    409, "", "A request with this Idempotency-Key is in progress"},
    {Reason::no_file_name,           400, "", "No filename provided"},
    {Reason::unsupported_file,       400, "", "Unsupported file type. Allowed: .aac, .flac, .m4a, .mp3, .ogg, .wav and any other file with audio that FFmpeg can decode"},
    {Reason::model_not_found,        404, "", "Model not found"},
    {Reason::model_not_ready,        503, "", "Model '{model}' is not ready"},
    {Reason::job_not_found,          404, "", "Job not found"},
    {Reason::job_not_completed,      400, "", "Job is not completed yet. Current status: {status}"},
    {Reason::job_not_retryable,      409, "", "Only failed or cancelled jobs can be retried. Current status: {status}"},
    {Reason::job_not_cancellable,    409, "", "Only pending or processing jobs can be cancelled. Current status: {status}"},
    {Reason::no_job_ids,             400, "", "No job IDs provided"},
    {Reason::job_upload_gone,        410, "", "The upload of this job has been deleted"},
    {Reason::upload_missing,         500, "", "Upload file not found during recovery"},
    {Reason::job_files_gone,         410, "", "Files of this job have been deleted"},
    {Reason::result_missing,         404, "", "Result file not found"},
    {Reason::stem_not_found,         404, "", "Stem '{stem}' not found"},
    {Reason::undecodable_audio,      500, "", "The file has no audio that can be decoded"},
    {Reason::audio_too_long,         500, "", "The audio is longer than the allowed {limit} seconds"},
    {Reason::job_timed_out,          500, "", "Processing timed out"},
    {Reason::worker_lost,            500, "", "Processing failed"},
    {Reason::cancelled,              500, "", "Processing failed"},
    {Reason::storage_full,           507, "", "Insufficient storage"},
    {Reason::overloaded,             503, "", "Service Unavailable"},
    {Reason::upstream_failed,        502, "", "Bad Gateway"},
    {Reason::shutting_down,          503, "", "Service Unavailable"},
    {Reason::not_found,              404, "", "Not Found"},
    {Reason::conflict,               409, "", "Conflict"},
    {Reason::internal,               500, "", "Internal Server Error"},
}));
// clang-format on

}  // namespace

const api::FaultRow& Dialect::row(Reason reason) {
  return rows[static_cast<std::size_t>(reason)];
}

}  // namespace toll::stems
