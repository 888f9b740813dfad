#include "api/surface.h"

#include <algorithm>

#include "base/text.h"

namespace toll::api {

namespace {

constexpr std::string_view session_cookie = "tollhouse_session=";

// The value of the session cookie, for pages only: a cookie is never a credential of a JSON route.
std::optional<std::string> cookie_session(const http::Request& request) {
  auto cookies = request.fields.get("Cookie");
  while (!cookies.empty()) {
    auto one = trim(cookies.substr(0, cookies.find(';')));
    if (one.starts_with(session_cookie)) return std::string(one.substr(session_cookie.size()));
    auto next = cookies.find(';');
    cookies = next == cookies.npos ? std::string_view{} : cookies.substr(next + 1);
  }
  return std::nullopt;
}

Result<identity::Credential> credential_of(const DialectTable& dialect, Access access, const http::Request& request) {
  if (access == Access::page && !request.fields.find("Authorization"))
    if (auto session = cookie_session(request)) return identity::Credential{identity::CredentialKind::session, std::move(*session), {}};
  return dialect.credential(request, access);
}

Result<identity::Principal> authorize(Result<identity::Principal> who, Access access, std::string_view scope) {
  if (!who) return who;
  if ((access == Access::session || access == Access::admin) && !who->by_session()) return Reason::session_required;
  if (access == Access::admin && !who->admin) return Reason::admin_required;
  if (!scope.empty() && !who->by_session() && std::ranges::find(who->scopes, scope) == who->scopes.end())
    return Fault(Reason::missing_scope).with("scope", std::string(scope));
  return who;
}

bool wants_html(const http::Request& request) { return request.fields.get("Accept").find("text/html") != std::string_view::npos; }

}  // namespace

asio::awaitable<Result<identity::Principal>> authenticate(const Core& core, const DialectTable& dialect, Access access,
                                                          std::string_view scope, const Exchange& exchange) {
  auto credential = credential_of(dialect, access, exchange.request);
  if (!credential) co_return std::move(credential).error();
  if (auto known = core.authenticator.cached(*credential)) co_return authorize(std::move(*known), access, scope);
  if (core.db.reads_are_cheap()) co_return authorize(core.authenticator.authenticate(core.db, *credential), access, scope);
  const auto epoch = core.authenticator.cache().epoch();
  auto look_up = [&](sql::Tx& tx) { return core.authenticator.authenticate(tx, *credential, epoch); };
  auto who = co_await sql::read(core.db, look_up);
  co_return authorize(std::move(who), access, scope);
}

Result<std::optional<std::string>> idempotency_key(const http::Request& request) {
  auto header = request.fields.find("Idempotency-Key");
  if (!header) return std::optional<std::string>();
  auto key = metering::parse_idempotency_key(*header);
  if (!key) return std::move(key).error();
  return std::optional<std::string>(std::move(*key));
}

std::string idempotency_scope(const identity::Principal& who, const http::Request& request) {
  auto path = std::string_view(request.path);
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::to_string(who.account.value()) + " " + std::string(request.method_text) + " " + std::string(path);
}

asio::awaitable<Result<std::string>> read_text_body(http::BodyReader& body, std::uint64_t limit) { co_return co_await http::read_all(body, limit); }

Result<std::optional<json::Value>> parse_body(const http::Request& request, std::string_view text, bool takes_forms) {
  if (trim(text).empty()) return std::optional<json::Value>();
  const auto type = lower(trim(request.fields.get("Content-Type").substr(0, request.fields.get("Content-Type").find(';'))));
  // curl -d sends JSON under this type, so only what cannot be JSON is a form.
  if (takes_forms && type == "application/x-www-form-urlencoded" && !trim(text).starts_with('{')) {
    json::Object object;
    for (const auto& [name, value] : parse_urlencoded(text)) object[name] = value;
    return std::optional<json::Value>(std::move(object));
  }
  auto value = json::parse(text);
  if (!value) return std::move(value).error();
  return std::optional<json::Value>(std::move(*value));
}

http::Response json_response(int status, std::string body, bool secret) {
  http::Response response;
  response.status = status;
  response.fields.add("Content-Type", "application/json");
  if (secret) response.fields.add("Cache-Control", "no-store");
  response.body = std::move(body);
  return response;
}

http::Response replay_response(const metering::KeptAnswer& kept) {
  auto response = json_response(kept.status, kept.body, false);
  for (const auto& [name, value] : kept.fields) response.fields.set(name, value);
  response.fields.set("Idempotency-Replayed", "true");
  return response;
}

http::Response fault_response(const DialectTable& dialect, const Fault& fault, Access access, const http::Request& request) {
  if (access == Access::page && fault.kind() == Kind::unauthenticated && wants_html(request)) {
    http::Response response;
    response.status = 302;
    response.fields.add("Location", "/login?next=" + request.path);
    return response;
  }
  auto response = dialect.fault(fault, access);
  if (auto delay = fault.retry_after()) response.fields.set("Retry-After", std::to_string(delay->count()));
  return response;
}

}  // namespace toll::api
