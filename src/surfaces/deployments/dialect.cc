#include "surfaces/deployments/dialect.h"

#include <boost/json/serialize.hpp>

#include <algorithm>

#include "base/text.h"
#include "surfaces/deployments/paths.h"

namespace toll::deployed {

namespace {

using api::Access;
using identity::Credential;
using identity::CredentialKind;

constexpr std::string_view key_prefix = "unst_";

struct Shown {
  bool there = false;
  std::string_view token;  // empty: of another scheme, or nothing behind it, or there twice
};

Shown bearer(const http::Request& request) {
  const auto count = request.fields.count("Authorization");
  if (count == 0) return {};
  const auto header = request.fields.get("Authorization");
  const auto space = header.find(' ');
  if (count > 1 || space == header.npos || !equal_ignoring_case(header.substr(0, space), "bearer")) return {true, {}};
  return {true, trim(header.substr(space))};
}

// The path names the deployment by a key; the header has to say the same, byte for byte. Without a header it is for
// the deployment to say whether the path is enough.
Result<Credential> path_credential(const http::Request& request, const Approach& route) {
  const auto key = route.place;
  const auto shown = bearer(request);
  if (route.documentation || !shown.there) return Credential{CredentialKind::deployment_key, key, {}};
  if (shown.token.empty()) return Reason::wrong_scheme;
  if (percent_decode(key).value_or("") != shown.token) return Reason::bad_key;
  return Credential{CredentialKind::deployment_key, shown.token, {}};
}

Result<Credential> management_credential(const http::Request& request) {
  const auto shown = bearer(request);
  if (!shown.there) return Reason::no_credentials;
  if (shown.token.empty()) return Reason::wrong_scheme;
  const auto kind = shown.token.starts_with(key_prefix) ? CredentialKind::deployment_key : CredentialKind::session;
  return Credential{kind, shown.token, {}};
}

std::string attr_of(const FieldProblem& problem) {
  std::string out;
  for (const auto& step : problem.path) {
    if (!out.empty()) out += '.';
    out += step.index() == 0 ? std::get<0>(step) : std::to_string(std::get<1>(step));
  }
  return out.empty() ? "non_field_errors" : out;
}

// A clause of ours as a sentence: "must be 1 to 5" -> "Must be 1 to 5."
std::string sentence(std::string_view clause) {
  std::string out(clause.empty() ? "is not valid" : clause);
  if (out.front() >= 'a' && out.front() <= 'z') out.front() = static_cast<char>(out.front() - 'a' + 'A');
  if (!out.ends_with('.')) out += '.';
  return out;
}

Said bound(const FieldProblem& problem) {
  const auto limit = std::to_string(problem.limit);
  switch (problem.bound) {
    case Bound::least:
      return {"min_value", "Ensure this value is greater than or equal to " + limit + ".", {}};
    case Bound::most:
      return {"max_value", "Ensure this value is less than or equal to " + limit + ".", {}};
    case Bound::shortest:
      return {"min_length", "Ensure this field has at least " + limit + " characters.", {}};
    case Bound::longest:
      return {"max_length", "Ensure this field has no more than " + limit + " characters.", {}};
    default:
      return {"invalid", sentence(problem.message), {}};
  }
}

// The body is no JSON object at all.
bool is_no_object(const FieldProblem& problem) {
  return problem.path.empty() && problem.place == Place::body &&
         (problem.problem == Problem::bad_json || problem.problem == Problem::no_body ||
          problem.problem == Problem::not_object) &&
         problem.code.empty();
}

std::string megabytes(std::string_view bytes) {
  const auto count = parse_int(bytes);
  return count ? std::to_string((*count + (1 << 20) - 1) >> 20) : std::string(bytes);
}

json::Object error_of(std::string_view code, std::string_view detail, std::optional<std::string> attr = {}) {
  json::Object out{{"code", code}, {"detail", detail}, {"attr", nullptr}};
  if (attr) out["attr"] = *attr;
  return out;
}

http::Response json_response(int status, const json::Value& body) {
  http::Response response;
  response.status = status;
  response.fields.add("Content-Type", "application/json");
  response.body = boost::json::serialize(body);
  return response;
}

std::string valid_text(std::string text) {
  if (valid_utf8(text)) return text;
  std::string quoted;
  json::append_string(quoted, text);
  return std::string(json::parse(quoted).value().as_string());
}

}  // namespace

Said said(const FieldProblem& problem) {
  Said out;
  if (!problem.code.empty()) {
    out = {problem.code, problem.message, {}};
  } else {
    switch (problem.problem) {
      case Problem::missing:
      case Problem::no_body:
        out = {"required", "This field is required.", {}};
        break;
      case Problem::not_integer:
      case Problem::not_a_number:
        out = {"invalid", "A valid integer is required.", {}};
        break;
      case Problem::not_boolean:
        out = {"invalid", "Must be a valid boolean.", {}};
        break;
      case Problem::not_string:
        out = {"invalid", "Not a valid string.", {}};
        break;
      case Problem::not_list:
        out = {"not_a_list", "Expected a list of items.", {}};
        break;
      case Problem::bad_json:
        out = {"parse_error", "JSON parse error", {}};
        break;
      default:
        out = bound(problem);
    }
  }
  out.attr = attr_of(problem);
  return out;
}

json::Object envelope(const Fault& fault) {
  const auto& known = Dialect::row(fault.reason());
  const auto& problems = fault.problems();
  const bool no_object = !problems.empty() && std::ranges::all_of(problems, is_no_object);
  if (fault.reason() == Reason::malformed_json || no_object)
    return {{"type", "client_error"}, {"errors", json::Array{error_of("parse_error", "JSON parse error")}}};
  json::Array errors;
  for (const auto& problem : problems) {
    auto one = said(problem);
    errors.push_back(error_of(valid_text(one.code), valid_text(one.detail), valid_text(one.attr)));
  }
  if (!errors.empty()) return {{"type", "validation_error"}, {"errors", std::move(errors)}};
  // with() changes the fault in place.
  auto shown = Fault(fault.reason());
  for (const auto& [name, value] : fault.arguments()) std::move(shown).with(name, value);
  std::move(shown).with("megabytes", megabytes(fault.argument("limit")));
  std::move(shown).with("seconds", std::to_string(fault.retry_after().value_or(std::chrono::seconds(1)).count()));
  const auto code = known.code.empty() ? std::string(fault.code()) : std::string(known.code);
  return {{"type", known.status >= 500 ? "server_error" : "client_error"},
          {"errors", json::Array{error_of(code, valid_text(shown.fill(known.text)))}}};
}

Result<Credential> Dialect::credential(const http::Request& request, Access) {
  const auto route = approach_of(request.path);
  if (route.family == Family::documented) return path_credential(request, route);
  if (route.family == Family::management) return management_credential(request);
  const auto shown = bearer(request);
  if (shown.token.empty()) return Reason::missing_api_key;
  return Credential{CredentialKind::deployment_key, shown.token, {}};
}

http::Response Dialect::fault(const Fault& fault, Access) {
  auto response = json_response(row(fault.reason()).status, envelope(fault));
  if (response.status == 401) response.fields.add("WWW-Authenticate", "Bearer");
  return response;
}

// Keys stand in these paths: nobody between is to keep the answer or to tell the address on.
void Dialect::finish(const http::Request& request, http::Response& response) {
  if (approach_of(request.path).family != Family::documented) return;
  response.fields.set("Cache-Control", "no-store");
  response.fields.set("Referrer-Policy", "no-referrer");
}

json::Object Dialect::security_schemes() {
  return {{"deploymentKey",
           json::Object{{"type", "http"},
                        {"scheme", "bearer"},
                        {"description",
                         "A key of the deployment (unst_...) on execution routes; a session, or a management key of "
                         "the organisation, on management routes."}}}};
}

json::Object Dialect::fault_schema() {
  const json::Object text{{"type", "string"}};
  const json::Object error{
      {"type", "object"},
      {"properties",
       json::Object{{"code", text}, {"detail", text}, {"attr", json::Object{{"type", json::Array{"string", "null"}}}}}},
      {"required", json::Array{"code", "detail", "attr"}}};
  return {
      {"type", "object"},
      {"properties",
       json::Object{{"type", json::Object{{"type", "string"},
                                          {"enum", json::Array{"validation_error", "client_error", "server_error"}}}},
                    {"errors", json::Object{{"type", "array"}, {"items", error}, {"minItems", 1}}}}},
      {"required", json::Array{"type", "errors"}}};
}

Result<Credential> McpDialect::credential(const http::Request& request, Access) {
  const auto route = approach_of(request.path);
  if (route.family == Family::documented) return path_credential(request, route);
  return management_credential(request);
}

http::Response McpDialect::fault(const Fault& fault, Access) {
  const auto& known = row(fault.reason());
  const bool stranger = known.status == 401 || fault.reason() == Reason::api_not_found ||
                        fault.reason() == Reason::api_inactive || fault.reason() == Reason::missing_api_key;
  json::Object error;
  if (stranger)
    error = {{"code", -32001}, {"message", "Invalid API key or unknown API deployment"}};
  else if (fault.reason() == Reason::malformed_json)
    error = {{"code", -32700}, {"message", "Parse error"}};
  else
    error = {{"code", known.status >= 500 ? -32603 : -32600},
             {"message", envelope(fault).at("errors").as_array().front().as_object().at("detail")}};
  auto response = json_response(stranger ? 401 : known.status,
                                json::Object{{"jsonrpc", "2.0"}, {"id", nullptr}, {"error", std::move(error)}});
  if (response.status == 401) response.fields.add("WWW-Authenticate", "Bearer realm=\"tollhouse-mcp\"");
  return response;
}

void McpDialect::finish(const http::Request& request, http::Response& response) {
  Dialect::finish(request, response);
}

json::Object McpDialect::security_schemes() {
  return {
      {"mcpBearer", json::Object{{"type", "http"},
                                 {"scheme", "bearer"},
                                 {"description", "A key of the deployment; on /mcp a session or a management key."}}}};
}

json::Object McpDialect::fault_schema() {
  return {
      {"type", "object"},
      {"properties",
       json::Object{{"jsonrpc", json::Object{{"const", "2.0"}}},
                    {"id", json::Object{{"type", "null"}}},
                    {"error", json::Object{{"type", "object"},
                                           {"properties", json::Object{{"code", json::Object{{"type", "integer"}}},
                                                                       {"message", json::Object{{"type", "string"}}}}},
                                           {"required", json::Array{"code", "message"}}}}}},
      {"required", json::Array{"jsonrpc", "id", "error"}}};
}

}  // namespace toll::deployed
