// Every reason of the catalogue as this surface says it: status, title ("error") and sentence ("detail"). The places in
// a sentence are the fault's arguments.
#include "surfaces/tunes/dialect.h"

namespace toll::tunes {

namespace {

using api::FaultRow;
using api::KindStatus;

// A value that cannot be accepted is 422 here; 400 is for what cannot be read.
constexpr std::array statuses{
    KindStatus{Kind::invalid, 422},     KindStatus{Kind::unauthenticated, 401}, KindStatus{Kind::forbidden, 403},
    KindStatus{Kind::not_found, 404},   KindStatus{Kind::conflict, 409},        KindStatus{Kind::gone, 404},
    KindStatus{Kind::unpaid, 402},      KindStatus{Kind::too_large, 413},       KindStatus{Kind::throttled, 429},
    KindStatus{Kind::unavailable, 503}, KindStatus{Kind::upstream, 503},        KindStatus{Kind::internal, 500}};

constexpr std::string_view no_session = "Could not validate credentials";

// clang-format off
constexpr auto rows = api::by_reason(statuses, std::to_array<FaultRow>({
    {Reason::malformed_json,         400, "", "The body is not valid JSON: {why}"},
    {Reason::malformed_multipart,    400, "", "The body is not a valid form"},
    {Reason::client_gone,            400, "", "The body ended early"},
    {Reason::request_timeout,        408, "Request Timeout", "The request took too long to arrive"},
    {Reason::part_too_large,         413, "", "A text field is larger than {limit} KiB"},
    {Reason::method_not_allowed,     405, "", "This path does not answer this method"},
    {Reason::unsupported_media_type, 415, "", "The body must be application/json"},
    {Reason::bad_idempotency_key,    400, "", "The Idempotency-Key is not 1 to 255 printable ASCII characters"},
    {Reason::bad_key,                401, "Invalid API key", "The API key is unknown, inactive, expired or revoked."},
    {Reason::no_credentials,         401, "", "No credentials were given"},
    {Reason::bad_session,            401, "", no_session},
    {Reason::bad_session_subject,    401, "", no_session},
    {Reason::account_gone,           401, "", no_session},
    {Reason::account_disabled,       401, "", no_session},
    {Reason::wrong_login,            401, "", "Incorrect email or password"},
    {Reason::too_many_logins,        429, "", "Too many failed logins"},
    {Reason::email_taken,            400, "", "Email already registered"},
    {Reason::username_taken,         400, "", "Username already taken"},
    {Reason::ip_not_allowed,         403, "Invalid API key", "IP address not allowed"},
    {Reason::session_required,       403, "Insufficient permissions", "This takes a session; an API key will not do"},
    {Reason::admin_required,         404, "", "There is no such path"},
    {Reason::missing_scope,          403, "Insufficient permissions", "The API key lacks the scope {scope}"},
    {Reason::plan_required,          403, "Insufficient permissions", "{scope} needs the plan {plan} or a higher one"},
    {Reason::rate_limited,           429, "Rate limit exceeded", ""},
    {Reason::insufficient_credits,   402, "Insufficient credits", "This needs {needed} credits and the balance is {balance}"},
    {Reason::key_not_found,          404, "", "API key not found"},
    {Reason::key_revoked,            409, "", "The API key has been revoked"},
    {Reason::key_rotated,            409, "", "The API key has been rotated already"},
    {Reason::too_many_keys,          409, "", "An account can have {limit} API keys; delete some"},
    {Reason::track_not_found,        404, "", "Track not found"},
    {Reason::playlist_not_found,     404, "", "Playlist not found"},
    {Reason::unsupported_file,       415, "", "The file is not WAV, AIFF, FLAC, MP3, Ogg Vorbis, Opus, AAC or M4A"},
    {Reason::undecodable_audio,      422, "", "The audio is empty, damaged or cut off"},
    {Reason::idempotency_mismatch,   422, "", "The Idempotency-Key was used with another request"},
    {Reason::internal,               500, "", "Something went wrong on our side"},
}));
// clang-format on

}  // namespace

const api::FaultRow& Dialect::row(Reason reason) {
  return rows[static_cast<std::size_t>(reason)];
}

}  // namespace toll::tunes
