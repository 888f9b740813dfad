#include "surfaces/media/dialect.h"

#include "base/text.h"

namespace toll::media_api {

namespace {

using api::Access;
using identity::CredentialKind;

constexpr std::string_view id_header = "x-client-id", secret_header = "x-client-secret";

// The word beside a code: what kind of mistake it was.
std::string_view type_of(const api::FaultRow& row) {
  if (row.status >= 500) return "SERVER_ERROR";
  if (row.status == 401) return "UNAUTHENTICATED";
  if (row.status == 403) return "UNAUTHORIZED";
  if (row.status == 404) return "NOT_FOUND";
  return "CLIENT_ERROR";
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out.append("\"").append(name).append("\":");
  json::append_string(out, value);
}

// "metadata.livenessCheck"; empty: the body as a whole.
std::string path_of(const FieldProblem& problem) {
  std::string out;
  for (const auto& part : problem.path) {
    if (!out.empty()) out += '.';
    if (const auto* name = std::get_if<std::string>(&part))
      out += *name;
    else
      out += std::to_string(std::get<std::int64_t>(part));
  }
  return problem.problem == Problem::bad_json ? "" : out;
}

std::string details(const std::vector<FieldProblem>& problems) {
  std::string out = ",\"details\":[";
  char separator = ' ';
  for (const auto& problem : problems) {
    if (separator == ',') out += separator;
    separator = ',';
    out += '{';
    append_member(out, "path", path_of(problem));
    out += ',';
    append_member(out, "message", problem.problem == Problem::bad_json ? "is not valid JSON" : problem.message);
    out += '}';
  }
  return out + "]";
}

}  // namespace

// Where a header of a client pair is there, only the pair counts: exactly one of each.
Result<identity::Credential> Dialect::credential(const http::Request& request, Access access) {
  const auto ids = request.fields.count(id_header), secrets = request.fields.count(secret_header);
  if (ids + secrets > 0) {
    if (ids != 1 || secrets != 1) return Reason::bad_key;
    return identity::Credential{CredentialKind::client_pair, trim(request.fields.get(secret_header)),
                                trim(request.fields.get(id_header))};
  }
  if (access == Access::admin)
    if (const auto token = request.fields.find("X-Admin-Token"))
      return identity::Credential{CredentialKind::admin_token, trim(*token), {}};
  const auto header = request.fields.find("Authorization");
  if (!header) return Reason::no_credentials;
  const auto space = header->find(' ');
  if (space == header->npos || !equal_ignoring_case(header->substr(0, space), "bearer")) return Reason::wrong_scheme;
  const auto token = trim(header->substr(space));
  if (token.empty()) return Reason::wrong_scheme;
  return identity::Credential{CredentialKind::session, token, {}};
}

http::Response Dialect::fault(const Fault& fault, Access) {
  const auto& known = row(fault.reason());
  http::Response response;
  response.status = known.status;
  response.fields.add("Content-Type", "application/json");
  if (known.status == 401) response.fields.add("WWW-Authenticate", "Bearer realm=\"tollhouse\"");
  if (known.status == 503) response.fields.add("Retry-After", "5");
  std::string body(1, '{');
  append_member(body, "code", known.code);
  body += ',';
  append_member(body, "type", type_of(known));
  body += ',';
  append_member(body, "message", fault.fill(known.text));
  if (known.code == "VAL001" && !fault.problems().empty()) body += details(fault.problems());
  response.body = std::move(body) + '}';
  return response;
}

void Dialect::finish(const http::Request&, http::Response& response) {
  response.fields.set("Cache-Control", "no-store");
}

void Dialect::quotas(const api::Remaining& remaining, http::Response& response) {
  if (remaining.query) response.fields.set("X-Quota-Query-Remaining", std::to_string(*remaining.query));
  if (remaining.mutation) response.fields.set("X-Quota-Mutation-Remaining", std::to_string(*remaining.mutation));
}

json::Object Dialect::security_schemes() {
  return {{"clientId", json::Object{{"type", "apiKey"},
                                    {"in", "header"},
                                    {"name", id_header},
                                    {"description", "24 lower-case hexadecimal characters."}}},
          {"clientSecret", json::Object{{"type", "apiKey"},
                                        {"in", "header"},
                                        {"name", secret_header},
                                        {"description", "43 characters, shown when the key is made."}}}};
}

json::Object Dialect::fault_schema() {
  const json::Object text{{"type", "string"}};
  const json::Object detail{{"type", "object"}, {"properties", json::Object{{"path", text}, {"message", text}}}};
  return {{"type", "object"},
          {"required", json::Array{"code", "type", "message"}},
          {"properties", json::Object{{"code", text},
                                      {"type", text},
                                      {"message", text},
                                      {"details", json::Object{{"type", "array"}, {"items", detail}}}}}};
}

}  // namespace toll::media_api
