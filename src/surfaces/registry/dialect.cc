#include "surfaces/registry/dialect.h"

#include "api/detail.h"
#include "base/text.h"

namespace toll::registry {

namespace {

using api::Access;
using api::detail::entry;
using api::detail::json_text;
using identity::CredentialKind;

std::string characters(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " character" : " characters");
}

// The shapes of pydantic, which the registry's clients know.
std::string bound_entry(const FieldProblem& problem) {
  const auto limit = std::to_string(problem.limit);
  switch (problem.bound) {
    case Bound::least:
      return entry("greater_than_equal", problem, "Input should be greater than or equal to " + limit,
                   "{\"ge\":" + limit + "}");
    case Bound::most:
      return entry("less_than_equal", problem, "Input should be less than or equal to " + limit,
                   "{\"le\":" + limit + "}");
    case Bound::shortest:
      return entry("string_too_short", problem, "String should have at least " + characters(problem.limit),
                   "{\"min_length\":" + limit + "}");
    case Bound::longest:
      return entry("string_too_long", problem, "String should have at most " + characters(problem.limit),
                   "{\"max_length\":" + limit + "}");
    case Bound::pattern:
      return entry("string_pattern_mismatch", problem,
                   "String should match pattern '" + std::string(problem.pattern) + "'",
                   "{\"pattern\":" + json_text(problem.pattern) + "}");
    case Bound::digits:
      return entry("int_parsing_size", problem, "Unable to parse input string as an integer, exceeded maximum size");
    case Bound::none:
      break;
  }
  return api::detail::usual_entry(problem);
}

std::string problem_entry(const FieldProblem& problem) {
  if (problem.bound == Bound::digits) return bound_entry(problem);
  switch (problem.problem) {
    case Problem::not_object:
      return entry("model_attributes_type", problem,
                   "Input should be a valid dictionary or object to extract fields from");
    case Problem::not_string:
      return entry("string_type", problem, "Input should be a valid string");
    case Problem::not_integer:
      return entry("int_type", problem, "Input should be a valid integer");
    case Problem::not_boolean:
      return entry("bool_parsing", problem, "Input should be a valid boolean, unable to interpret input");
    default:
      return bound_entry(problem);
  }
}

// 422 for faults that are about one value and know no place of their own.
std::string one_problem(Reason reason) {
  FieldProblem problem;
  if (reason == Reason::bad_cursor) {
    problem = {Place::query, {std::string("cursor")}, Problem::rejected, "the cursor is not one of ours"};
    return api::detail::body({problem}, problem_entry);
  }
  problem = {Place::header, {std::string("Idempotency-Key")}};
  if (reason == Reason::bad_idempotency_key) {
    problem.message = "must be 1 to 255 printable ASCII characters";
    return api::detail::body({problem}, problem_entry);
  }
  return "{\"detail\":[" + entry("idempotency_key_reused", problem, "Idempotency-Key was used with another request") +
         "]}";
}

bool has_place_of_its_own(Reason reason) {
  return reason == Reason::bad_cursor || reason == Reason::bad_idempotency_key ||
         reason == Reason::idempotency_mismatch;
}

// The token of an Authorization header; empty: there is none.
std::string_view bearer(const http::Request& request) {
  const auto header = request.fields.get("Authorization");
  const auto space = header.find(' ');
  if (space == header.npos || !equal_ignoring_case(header.substr(0, space), "bearer")) return {};
  return trim(header.substr(space));
}

bool is_key(std::string_view token) {
  return token.starts_with("sk_") || token.starts_with("hf_");
}

}  // namespace

// On admin routes the token decides if it is there; without one only a session can open them, and what is shown
// instead counts as a wrong token: so a server without a token says that it has none.
Result<identity::Credential> Dialect::credential(const http::Request& request, Access access) {
  const auto token = bearer(request);
  if (access == Access::admin) {
    if (auto shown = request.fields.find("X-Admin-Token"))
      return identity::Credential{CredentialKind::admin_token, trim(*shown), {}};
    if (!token.empty() && !is_key(token)) return identity::Credential{CredentialKind::session, token, {}};
    return identity::Credential{CredentialKind::admin_token, {}, {}};
  }
  if (auto key = request.fields.find("X-API-Key")) {
    const auto shown = trim(*key);
    if (shown.empty()) return Reason::no_credentials;
    return identity::Credential{CredentialKind::registry_key, shown, {}};
  }
  if (!request.fields.find("Authorization")) return Reason::no_credentials;
  if (token.empty()) return Reason::wrong_scheme;
  return identity::Credential{is_key(token) ? CredentialKind::registry_key : CredentialKind::session, token, {}};
}

http::Response Dialect::fault(const Fault& fault, Access access) {
  auto known = row(fault.reason());
  // A session that is no administrator's, or none at all, is as good as a wrong token.
  if (access == Access::admin &&
      (known.status == 401 || fault.reason() == Reason::admin_required || fault.reason() == Reason::account_disabled))
    known = row(Reason::bad_admin_token);
  http::Response response;
  response.status = known.status;
  response.fields.add("Content-Type", "application/json");
  if (known.status == 401) response.fields.add("WWW-Authenticate", "Bearer");
  if (!fault.problems().empty())
    response.body = api::detail::body(fault.problems(), problem_entry);
  else if (has_place_of_its_own(fault.reason()))
    response.body = one_problem(fault.reason());
  else
    response.body = api::detail::body(fault.fill(known.text));
  return response;
}

json::Object Dialect::security_schemes() {
  return {{"registryKey", json::Object{{"type", "apiKey"},
                                       {"in", "header"},
                                       {"name", "x-api-key"},
                                       {"description", "A registry key (sk_live_...)."}}},
          {"registryAdminToken", json::Object{{"type", "apiKey"},
                                              {"in", "header"},
                                              {"name", "x-admin-token"},
                                              {"description", "The operator's token, on /v1/admin/ routes."}}}};
}

json::Object Dialect::fault_schema() {
  return api::detail::schema();
}

}  // namespace toll::registry
