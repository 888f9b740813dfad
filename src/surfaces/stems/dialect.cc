#include "surfaces/stems/dialect.h"

#include "api/detail.h"
#include "base/text.h"

namespace toll::stems {

namespace {

using api::Access;
using api::detail::entry;
using api::detail::json_text;

bool for_sessions(Access access) {
  return access == Access::session || access == Access::admin;
}

// The shapes of pydantic, which the documented clients know.
std::string problem_entry(const FieldProblem& problem) {
  switch (problem.problem) {
    case Problem::not_file:
      return entry("value_error", problem, "Value error, Expected UploadFile, received: <class 'str'>",
                   "{\"error\":{}}");
    case Problem::bad_email:
      return entry("value_error", problem, "value is not a valid email address: " + problem.message,
                   "{\"reason\":" + json_text(problem.message) + "}");
    default:
      return api::detail::usual_entry(problem);
  }
}

}  // namespace

Result<identity::Credential> Dialect::credential(const http::Request& request, Access) {
  const auto header = request.fields.find("Authorization");
  if (!header) return Reason::no_credentials;
  const auto space = header->find(' ');
  if (space == header->npos || !equal_ignoring_case(header->substr(0, space), "bearer")) return Reason::wrong_scheme;
  const auto secret = trim(header->substr(space));
  if (secret.empty()) return Reason::wrong_scheme;
  const auto kind = secret.starts_with("sk_") ? identity::CredentialKind::stems_key : identity::CredentialKind::session;
  return identity::Credential{kind, secret, {}};
}

http::Response Dialect::fault(const Fault& fault, Access access) {
  auto known = row(fault.reason());
  // Session-only routes answer as their framework's bearer scheme does.
  if (for_sessions(access)) {
    switch (fault.reason()) {
      case Reason::no_credentials:
        known = {fault.reason(), 403, "", "Not authenticated"};
        break;
      case Reason::wrong_scheme:
        known = {fault.reason(), 403, "", "Invalid authentication credentials"};
        break;
      case Reason::bad_key:
        known = {fault.reason(), 401, "", "Could not validate credentials"};
        break;
      default:
        break;
    }
  }
  http::Response response;
  response.status = known.status;
  response.fields.add("Content-Type", "application/json");
  if (known.status == 401) response.fields.add("WWW-Authenticate", "Bearer");
  response.body = fault.problems().empty() ? api::detail::body(fault.fill(known.text))
                                           : api::detail::body(fault.problems(), problem_entry);
  return response;
}

json::Object Dialect::security_schemes() {
  return {{"stemsBearer", json::Object{{"type", "http"},
                                       {"scheme", "bearer"},
                                       {"description", "An API key (sk_...) or the JWT of a session."}}}};
}

json::Object Dialect::fault_schema() {
  return api::detail::schema();
}

}  // namespace toll::stems
