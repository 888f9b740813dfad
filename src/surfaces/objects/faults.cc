// Every reason of the catalogue as S3 says it. The places in a text are the fault's arguments.
#include "surfaces/objects/dialect.h"

namespace toll::object_store {

namespace {

using api::FaultRow;

// clang-format off
constexpr auto own_rows = std::to_array<FaultRow>({
    {Reason::unknown_route,            404, "NoSuchKey",             "The specified key does not exist."},
    {Reason::method_not_allowed,       405, "MethodNotAllowed",      "The specified method is not allowed against this resource."},
    {Reason::no_credentials,           403, "AccessDenied",          "Access Denied"},
    {Reason::url_not_valid,            403, "AccessDenied",          "{why}"},
    {Reason::bad_signature,            403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."},
    {Reason::object_not_found,         404, "NoSuchKey",             "The specified key does not exist."},
    {Reason::not_found,                404, "NoSuchKey",             "The specified key does not exist."},
    {Reason::upload_not_found,         404, "NoSuchUpload",          "The specified upload does not exist. It may have been aborted or completed."},
    {Reason::invalid_part,             400, "InvalidPart",           "The part number is not one of this upload."},
    {Reason::bad_digest,               400, "BadDigest",             "The bytes that arrived are not the ones that were announced."},
    {Reason::invalid_request,          400, "InvalidRequest",        "{why}"},
    {Reason::unsupported_media_type,   501, "NotImplemented",        "{why}"},
    {Reason::upload_too_large,         400, "EntityTooLarge",        "Your proposed upload exceeds the maximum allowed size of {limit} bytes."},
    {Reason::body_too_large,           400, "EntityTooLarge",        "Your proposed upload exceeds the maximum allowed size of {limit} bytes."},
    {Reason::length_required,          411, "MissingContentLength",  "You must provide the Content-Length HTTP header."},
    {Reason::client_gone,              400, "IncompleteBody",        "The request body terminated before the number of bytes that its Content-Length header names."},
    {Reason::request_timeout,          400, "RequestTimeout",        "The body was not read in time."},
    {Reason::too_many_requests,        503, "SlowDown",              "Please reduce your request rate."},
    {Reason::storage_full,             503, "SlowDown",              "There is no room for these bytes now. Please try again later."},
    {Reason::overloaded,               503, "SlowDown",              "Please reduce your request rate."},
    {Reason::object_store_unavailable, 503, "ServiceUnavailable",    "The store behind this one cannot be reached."},
    {Reason::shutting_down,            503, "ServiceUnavailable",    "The server is stopping."},
});
// clang-format on

constexpr std::string_view code_of(Kind kind) {
  switch (kind) {
    case Kind::unauthenticated:
    case Kind::forbidden:
    case Kind::unpaid:
      return "AccessDenied";
    case Kind::not_found:
    case Kind::gone:
      return "NoSuchKey";
    case Kind::conflict:
      return "OperationAborted";
    case Kind::too_large:
      return "EntityTooLarge";
    case Kind::throttled:
    case Kind::unavailable:
      return "SlowDown";
    case Kind::upstream:
    case Kind::internal:
      return "InternalError";
    case Kind::invalid:
      break;
  }
  return "InvalidRequest";
}

constexpr std::array statuses{api::KindStatus{Kind::invalid, 400},   api::KindStatus{Kind::unauthenticated, 403},
                              api::KindStatus{Kind::forbidden, 403}, api::KindStatus{Kind::not_found, 404},
                              api::KindStatus{Kind::conflict, 409},  api::KindStatus{Kind::gone, 404},
                              api::KindStatus{Kind::unpaid, 403},    api::KindStatus{Kind::too_large, 400},
                              api::KindStatus{Kind::throttled, 503}, api::KindStatus{Kind::unavailable, 503},
                              api::KindStatus{Kind::upstream, 500},  api::KindStatus{Kind::internal, 500}};

constexpr auto with_codes() {
  auto rows = api::by_reason(statuses, own_rows);
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].code.empty()) rows[i].code = code_of(reason_catalogue[i].kind);
  return rows;
}
constexpr auto rows = with_codes();

}  // namespace

const api::FaultRow& Dialect::row(Reason reason) {
  return rows[static_cast<std::size_t>(reason)];
}

}  // namespace toll::object_store
