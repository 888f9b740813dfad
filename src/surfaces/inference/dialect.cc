#include "surfaces/inference/dialect.h"

#include "base/text.h"

namespace toll::open_inference {

namespace {

using api::Access;
using identity::CredentialKind;

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

// "inputs[0].shape"; of a problem with a tensor, its name.
std::string place(const FieldProblem& problem) {
  std::string out;
  for (const auto& step : problem.path) {
    if (step.index() == 1)
      out += "[" + std::to_string(std::get<1>(step)) + "]";
    else
      out += (out.empty() ? "" : ".") + std::get<0>(step);
  }
  return out.empty() ? "the body" : out;
}

std::string sentence(const std::vector<FieldProblem>& problems) {
  std::string out;
  for (const auto& problem : problems) out += (out.empty() ? "" : "; ") + place(problem) + " " + problem.message;
  return out;
}

}  // namespace

// If x-api-key is there, it alone decides.
Result<identity::Credential> Dialect::credential(const http::Request& request, Access) {
  if (auto key = request.fields.find("X-API-Key")) {
    const auto shown = trim(*key);
    if (shown.empty()) return Reason::no_credentials;
    return identity::Credential{CredentialKind::registry_key, shown, {}};
  }
  if (!request.fields.find("Authorization")) return Reason::no_credentials;
  const auto token = bearer(request);
  if (token.empty()) return Reason::wrong_scheme;
  return identity::Credential{is_key(token) ? CredentialKind::registry_key : CredentialKind::session, token, {}};
}

http::Response Dialect::fault(const Fault& fault, Access) {
  const auto& known = row(fault.reason());
  http::Response response;
  response.status = known.status;
  response.fields.add("Content-Type", "application/json");
  if (known.status == 401) response.fields.add("WWW-Authenticate", "Bearer");
  const bool said = fault.problems().empty() || fault.reason() == Reason::malformed_json;
  response.body = "{\"error\":";
  json::append_string(response.body, said ? fault.fill(known.text) : sentence(fault.problems()));
  response.body += "}";
  return response;
}

json::Object Dialect::security_schemes() {
  return {{"registryKey", json::Object{{"type", "apiKey"},
                                       {"in", "header"},
                                       {"name", "x-api-key"},
                                       {"description", "A registry key (sk_live_...)."}}},
          {"registryBearer",
           json::Object{
               {"type", "http"}, {"scheme", "bearer"}, {"description", "A registry key, or the token of a session."}}}};
}

json::Object Dialect::fault_schema() {
  return {{"type", "object"},
          {"properties", json::Object{{"error", json::Object{{"type", "string"}}}}},
          {"required", json::Array{"error"}}};
}

}  // namespace toll::open_inference
