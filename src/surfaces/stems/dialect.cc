#include "surfaces/stems/dialect.h"

#include "base/text.h"

namespace toll::stems {

namespace {

using api::Access;

bool for_sessions(Access access) {
  return access == Access::session || access == Access::admin;
}

std::string json_text(std::string_view text) {
  std::string out;
  json::append_string(out, text);
  return out;
}

constexpr std::string_view place_name(Place place) {
  switch (place) {
    case Place::body:
      return "body";
    case Place::query:
      return "query";
    case Place::path:
      return "path";
    case Place::header:
      return "header";
  }
  return "body";
}

std::string location(const FieldProblem& problem) {
  std::string out = "[" + json_text(place_name(problem.place));
  for (const auto& step : problem.path)
    out += "," + (step.index() == 0 ? json_text(std::get<0>(step)) : std::to_string(std::get<1>(step)));
  return out + "]";
}

std::string entry(std::string_view type, const FieldProblem& problem, std::string_view message,
                  std::string_view context = {}) {
  std::string out = "{\"type\":" + json_text(type) + ",\"loc\":" + location(problem) +
                    ",\"msg\":" + json_text(message) + ",\"input\":" + problem.input;
  if (!context.empty()) out.append(",\"ctx\":").append(context);
  return out + "}";
}

// The shapes of pydantic, which the documented clients know.
std::string problem_entry(const FieldProblem& problem) {
  switch (problem.problem) {
    case Problem::missing:
    case Problem::no_body:
      return entry("missing", problem, "Field required");
    case Problem::bad_json:
      return entry("json_invalid", problem, "JSON decode error", "{\"error\":" + json_text(problem.message) + "}");
    case Problem::not_list:
      return entry("list_type", problem, "Input should be a valid list");
    case Problem::not_a_number:
      return entry("int_parsing", problem, "Input should be a valid integer, unable to parse string as an integer");
    case Problem::not_file:
      return entry("value_error", problem, "Value error, Expected UploadFile, received: <class 'str'>",
                   "{\"error\":{}}");
    case Problem::bad_email:
      return entry("value_error", problem, "value is not a valid email address: " + problem.message,
                   "{\"reason\":" + json_text(problem.message) + "}");
    default:
      return entry("value_error", problem, "Value error, " + problem.message, "{\"error\":{}}");
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
  if (fault.problems().empty()) {
    response.body = "{\"detail\":" + json_text(fault.fill(known.text)) + "}";
  } else {
    response.body = "{\"detail\":[";
    for (std::size_t i = 0; i < fault.problems().size(); ++i)
      response.body += (i ? "," : "") + problem_entry(fault.problems()[i]);
    response.body += "]}";
  }
  return response;
}

json::Object Dialect::security_schemes() {
  return {{"stemsBearer", json::Object{{"type", "http"},
                                       {"scheme", "bearer"},
                                       {"description", "An API key (sk_...) or the JWT of a session."}}}};
}

json::Object Dialect::fault_schema() {
  json::Object problem{{"type", "object"},
                       {"properties", json::Object{{"type", json::Object{{"type", "string"}}},
                                                   {"loc", json::Object{{"type", "array"}}},
                                                   {"msg", json::Object{{"type", "string"}}},
                                                   {"input", json::Object{}},
                                                   {"ctx", json::Object{{"type", "object"}}}}}};
  json::Object detail{
      {"anyOf", json::Array{json::Object{{"type", "string"}}, json::Object{{"type", "array"}, {"items", problem}}}}};
  return {{"type", "object"}, {"properties", json::Object{{"detail", detail}}}, {"required", json::Array{"detail"}}};
}

}  // namespace toll::stems
