// The catalogue of reasons: everything that can be refused or can fail, each named once, by what the caller should
// do about it. A dialect maps every row to its own status, code and text; a test walks the catalogue.
//
// The title is the default public sentence. {name} is filled from Fault::with("name", value).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace toll {

// What a caller can do about it, before any surface gives it a number.
enum class Kind : std::uint8_t {
  invalid,          // change the request
  unauthenticated,  // show (other) credentials
  forbidden,        // these credentials will never do
  not_found,        // there is no such thing for you
  conflict,         // the thing is in another state
  gone,             // it was there
  unpaid,           // add credits
  too_large,        // send less
  throttled,        // wait
  unavailable,      // we cannot do it now
  upstream,         // somebody we depend on refused
  internal          // our fault
};

// clang-format off
#define TOLL_REASONS(X)                                                                                                      \
  /* the request itself */                                                                                                   \
  X(invalid_request,        invalid,         "The request is not valid")                                                     \
  X(malformed_json,         invalid,         "The body is not valid JSON: {why}")                                            \
  X(malformed_multipart,    invalid,         "There was an error parsing the body")                                          \
  X(part_too_large,         invalid,         "A text field is larger than {limit} KiB")                                      \
  X(body_too_large,         too_large,       "The request body is larger than {limit} bytes")                                \
  X(upload_too_large,       too_large,       "The file is larger than {limit} bytes")                                        \
  X(unknown_route,          not_found,       "There is no such path")                                                        \
  X(method_not_allowed,     invalid,         "This path does not answer this method")                                        \
  X(client_gone,            invalid,         "The client went away before the body was complete")                            \
  X(request_timeout,        invalid,         "The request took too long to arrive")                                          \
  X(too_many_requests,      throttled,       "The server takes no more requests this second")                                \
  X(rate_limited,           throttled,       "The limit of this window is used up")                                          \
  X(unsupported_media_type, invalid,         "The content type of the body is not one this route takes")                     \
  X(bad_cursor,             invalid,         "The cursor is not one of ours")                                                \
  /* who is asking */                                                                                                        \
  X(no_credentials,         unauthenticated, "No credentials were given")                                                    \
  X(wrong_scheme,           unauthenticated, "The credentials are not of a kind this route takes")                           \
  X(bad_key,                unauthenticated, "The API key is not valid")                                                     \
  X(bad_session,            unauthenticated, "The session is not valid")                                                     \
  X(bad_session_subject,    unauthenticated, "The session names no account")                                                 \
  X(account_gone,           unauthenticated, "The account of these credentials does not exist any more")                     \
  X(account_disabled,       forbidden,       "The account has been disabled")                                                \
  X(session_required,       unauthenticated, "This route takes a session, not a key")                                        \
  X(admin_required,         forbidden,       "This route is for administrators")                                             \
  X(missing_scope,          forbidden,       "The key lacks the scope {scope}")                                              \
  X(plan_required,          forbidden,       "The plan {plan} or a higher one is needed for {scope}")                        \
  X(role_required,          forbidden,       "The role {role} is needed")                                                    \
  X(ip_not_allowed,         forbidden,       "The key may not be used from this address")                                    \
  X(bad_admin_token,        unauthenticated, "The admin token is not valid")                                                 \
  X(no_admin_token,         unavailable,     "No admin token is configured")                                                 \
  X(registration_closed,    forbidden,       "Registration is closed")                                                       \
  X(email_not_allowed,      forbidden,       "This email address may not register")                                          \
  /* accounts */                                                                                                             \
  X(email_taken,            conflict,        "This email address is registered already")                                     \
  X(username_taken,         conflict,        "This user name is taken")                                                      \
  X(username_too_short,     invalid,         "A user name has at least 2 characters")                                        \
  X(password_too_short,     invalid,         "A password has at least 6 characters")                                         \
  X(wrong_login,            unauthenticated, "Email and password do not belong together")                                    \
  X(too_many_logins,        throttled,       "Too many failed logins")                                                       \
  X(wrong_current_password, invalid,         "The current password is not correct")                                          \
  X(wrong_password,         invalid,         "The password is not correct")                                                  \
  X(account_not_found,      not_found,       "There is no such account")                                                     \
  X(cannot_disable_admin,   conflict,        "An administrator cannot be disabled")                                          \
  /* keys */                                                                                                                 \
  X(key_exists,             conflict,        "There is a default key already; regenerate it")                                \
  X(no_key,                 not_found,       "There is no key to delete")                                                    \
  X(key_not_found,          not_found,       "There is no such key")                                                         \
  X(key_name_taken,         conflict,        "A key with this name exists already")                                          \
  X(too_many_keys,          conflict,        "An account can have {limit} keys")                                             \
  X(key_revoked,            conflict,        "The key has been revoked")                                                     \
  X(key_rotated,            conflict,        "The key has been rotated already")                                             \
  /* money */                                                                                                                \
  X(insufficient_credits,   unpaid,          "This needs {needed} credits and the balance is {balance}")                     \
  X(balance_below_zero,     conflict,        "The balance cannot go below zero")                                             \
  X(unknown_package,        invalid,         "There is no such credit package")                                              \
  X(amount_not_positive,    invalid,         "The amount must be positive")                                                  \
  X(payment_token_missing,  invalid,         "A payment token is required")                                                  \
  X(payment_declined,       invalid,         "The payment was declined: {code}")                                             \
  X(payment_failed,         upstream,        "The payment provider could not be reached")                                    \
  X(payments_off,           unavailable,     "No payment provider is configured")                                            \
  /* idempotency */                                                                                                          \
  X(bad_idempotency_key,    invalid,         "The Idempotency-Key is not 1 to 255 printable ASCII characters")               \
  X(idempotency_mismatch,   invalid,         "The Idempotency-Key was used with another request")                            \
  X(idempotency_running,    conflict,        "A request with this Idempotency-Key is in progress")                           \
  /* files and jobs */                                                                                                       \
  X(no_file_name,           invalid,         "The file has no name")                                                         \
  X(unsupported_file,       invalid,         "The file holds no audio that can be decoded")                                  \
  X(model_not_found,        not_found,       "There is no such model")                                                       \
  X(model_not_ready,        unavailable,     "The model {model} is not ready")                                               \
  X(job_not_found,          not_found,       "There is no such job")                                                         \
  X(job_not_completed,      conflict,        "The job is not completed; it is {status}")                                     \
  X(job_not_retryable,      conflict,        "Only failed or cancelled jobs can be retried; it is {status}")                 \
  X(job_not_cancellable,    conflict,        "Only pending or processing jobs can be cancelled; it is {status}")             \
  X(no_job_ids,             invalid,         "No job ids were given")                                                        \
  X(job_upload_gone,        gone,            "The upload of this job has been deleted")                                      \
  X(upload_missing,         gone,            "The upload of the job was not there when it was to run")                       \
  X(job_files_gone,         gone,            "The files of this job have been deleted")                                      \
  X(result_missing,         not_found,       "The result file is missing")                                                   \
  X(stem_not_found,         not_found,       "The job has no file {stem}")                                                   \
  X(track_not_found,        not_found,       "There is no such track")                                                       \
  X(track_without_audio,    not_found,       "The track has no audio")                                                       \
  X(playlist_not_found,     not_found,       "There is no such playlist")                                                    \
  X(playlist_full,          invalid,         "A playlist holds at most {limit} tracks")                                      \
  X(snapshot_outdated,      conflict,        "The playlist has changed since this snapshot")                                 \
  X(upload_not_found,       not_found,       "There is no such upload")                                                      \
  X(upload_incomplete,      conflict,        "The bytes of this upload have not arrived")                                    \
  X(repo_taken,             conflict,        "The repository belongs to somebody else")                                      \
  X(repo_not_yours,         forbidden,       "The repository belongs to somebody else")                                      \
  X(model_not_permitted,    forbidden,       "This model may not be used by you")                                            \
  X(version_not_found,      not_found,       "There is no such version")                                                     \
  X(version_in_use,         conflict,        "The alias {alias} points to this version")                                     \
  X(version_not_completed,  conflict,        "The version is not completed")                                                 \
  X(version_is_alias,       conflict,        "An alias has this name")                                                       \
  X(alias_is_version,       conflict,        "A version has this name")                                                      \
  X(file_not_found,         not_found,       "There is no such file")                                                        \
  X(file_exists,            conflict,        "The file exists already in this version")                                      \
  X(object_not_accessible,  not_found,       "The object {key} is not accessible")                                           \
  X(size_mismatch,          conflict,        "Declared were {declared} bytes, received {received}")                          \
  X(digest_mismatch,        conflict,        "Declared was SHA-256 {declared}, received {received}")                         \
  /* what a run of an engine can end in */                                                                                   \
  X(undecodable_audio,      invalid,         "The file has no audio that can be decoded")                                    \
  X(audio_too_long,         invalid,         "The audio is longer than {limit} seconds")                                     \
  X(job_timed_out,          unavailable,     "The job took too long")                                                        \
  X(worker_lost,            internal,        "The worker died")                                                              \
  X(cancelled,              conflict,        "The work was cancelled")                                                       \
  /* workflows and their executions */                                                                                       \
  X(workflow_not_found,     not_found,       "There is no such workflow")                                                    \
  X(workflow_in_use,        conflict,        "The workflow is used by a deployment")                                         \
  X(execution_not_found,    not_found,       "There is no such execution")                                                   \
  X(execution_finished,     conflict,        "The execution has ended already; it is {status}")                              \
  X(result_expired,         gone,            "The result has expired")                                                       \
  X(result_acknowledged,    conflict,        "Result already acknowledged")                                                  \
  X(secret_not_found,       not_found,       "There is no such secret")                                                      \
  X(limit_reached,          conflict,        "There can be {limit} {things}")                                                \
  /* the object store */                                                                                                     \
  X(bad_signature,          forbidden,       "The signature does not match the request")                                     \
  X(url_not_valid,          forbidden,       "The signed URL is not valid (any more)")                                       \
  X(object_not_found,       not_found,       "There is no such object")                                                      \
  X(bad_digest,             invalid,         "The bytes are not those that were announced")                                  \
  X(invalid_part,           invalid,         "A part is missing or is not the one named")                                    \
  X(object_store_unavailable,unavailable,     "The object store cannot be reached")                                          \
  X(model_unusable,         unavailable,     "The model cannot be run: {why}")                                               \
  /* calls to elsewhere, and documents */                                                                                    \
  X(egress_forbidden,       invalid,         "This server does not call that address")                                       \
  X(fetch_failed,           upstream,        "The address could not be fetched: {why}")                                      \
  X(fetch_timed_out,        upstream,        "The address took too long to answer")                                          \
  X(unsupported_document,   invalid,         "The file is of no kind that can be read: {mime}")                              \
  X(unreadable_document,    invalid,         "The file cannot be read: {why}")                                               \
  /* deployed workflows */                                                                                                   \
  X(missing_api_key,        forbidden,       "Missing api key")                                                              \
  X(api_not_found,          not_found,       "API not found")                                                                \
  X(api_inactive,           not_found,       "API not found or Inactive")                                                    \
  X(owner_stays,            conflict,        "An organisation keeps its owner")                                              \
  /* media records, their quotas and access */                                                                               \
  X(media_not_found,        not_found,       "There is no such media")                                                       \
  X(quota_used_up,          throttled,       "The quota of these calls is used up")                                          \
  X(access_not_approved,    forbidden,       "API access is not approved")                                                   \
  X(access_pending,         conflict,        "An access request is pending already")                                         \
  X(access_decided,         conflict,        "The access request has been decided already")                                  \
  X(access_request_not_found,not_found,       "There is no such access request")                                             \
  X(length_required,        invalid,         "The length of the body must be announced")                                     \
  /* the house */                                                                                                            \
  X(storage_full,           unavailable,     "There is no room to store this now")                                           \
  X(overloaded,             unavailable,     "The server has too much to do now")                                            \
  X(upstream_failed,        upstream,        "A service this depends on could not be reached")                              \
  X(shutting_down,          unavailable,     "The server is stopping")                                                       \
  X(not_found,              not_found,       "There is no such thing")                                                       \
  X(conflict,               conflict,        "This exists already")                                                          \
  X(internal,               internal,        "Something went wrong on our side")
// clang-format on

enum class Reason : std::uint16_t {
#define TOLL_REASON_NAME(name, kind, title) name,
  TOLL_REASONS(TOLL_REASON_NAME)
#undef TOLL_REASON_NAME
};

struct ReasonRow {
  Reason reason;
  std::string_view code;  // stable name in logs, metrics and between processes
  Kind kind;
  std::string_view title;
};

inline constexpr std::array reason_catalogue{
#define TOLL_REASON_ROW(name, kind, title) ReasonRow{Reason::name, #name, Kind::kind, title},
    TOLL_REASONS(TOLL_REASON_ROW)
#undef TOLL_REASON_ROW
};

constexpr const ReasonRow& row_of(Reason reason) {
  return reason_catalogue[static_cast<std::size_t>(reason)];
}

// The reason with this code; internal when there is none.
constexpr Reason reason_from_code(std::string_view code) {
  for (const auto& row : reason_catalogue)
    if (row.code == code) return row.reason;
  return Reason::internal;
}

}  // namespace toll
