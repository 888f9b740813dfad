#include "tollhouse/pages.h"

#include "base/digest.h"
#include "base/text.h"
#include "surfaces/deployments/document.h"
#include "web/assets.h"

namespace toll::app {

namespace {

using http::Request;
using http::Response;

Response text_page(int status, std::string_view type, std::string body) {
  Response response;
  response.status = status;
  response.fields.add("Content-Type", type);
  response.body = std::move(body);
  return response;
}

Response html_page(std::string body, std::string_view policy) {
  auto response = text_page(200, "text/html; charset=utf-8", std::move(body));
  response.fields.add("Content-Security-Policy", policy);
  response.fields.add("X-Frame-Options", "DENY");
  return response;
}

Response redirect(std::string_view where) {
  Response response;
  response.status = 302;
  response.fields.add("Location", where);
  return response;
}

// A forwarded request comes from a proxy on this machine, not from this machine.
bool from_loopback(const Request& request) {
  if (request.fields.find("X-Forwarded-For") || request.fields.find("Forwarded")) return false;
  return request.remote.starts_with("127.") || request.remote == "::1" || request.remote.starts_with("::ffff:127.");
}

// With an operator token, it must be shown; without one, only this machine is answered.
bool for_operator(const Request& request, const std::string& token) {
  if (token.empty()) return from_loopback(request);
  auto shown = request.fields.get("Authorization");
  if (shown.size() > 7 && equal_ignoring_case(shown.substr(0, 7), "bearer ")) shown.remove_prefix(7);
  return equal_constant_time(hex(sha256(shown)), hex(sha256(token))) ||
         equal_constant_time(hex(sha256(request.fields.get("X-Admin-Token"))), hex(sha256(token)));
}

api::Front::Page operations(const PageContext& context, std::function<Response()> page) {
  return [&context, page = std::move(page)](const Request& request) {
    if (for_operator(request, context.operator_token)) return page();
    return text_page(404, "application/json", R"({"detail":"Not Found"})");
  };
}

Response asset(const Request& request) {
  const auto name = request.path.substr(request.path.rfind('/') + 1);
  const auto* found = web::find_asset(name);
  if (!found) return text_page(404, "application/json", R"({"detail":"Not Found"})");
  auto response = text_page(200, found->content_type, std::string(found->gzip_bytes));
  response.fields.add("Content-Encoding", "gzip");
  response.fields.add("ETag", found->etag);
  response.fields.add("Cache-Control", "public, max-age=86400");
  return http::apply_conditions(request, std::move(response));
}

constexpr std::string_view not_built =
    "<!doctype html><html lang=\"en\"><title>Tollhouse</title><p>The viewer of this page was not built into this "
    "binary (its npm packages were "
    "absent). The document itself is at <a href=\"/openapi.json\">/openapi.json</a>.</p></html>";

constexpr std::string_view swagger_page =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Tollhouse API</title>"
    "<link rel=\"stylesheet\" href=\"/docs/assets/swagger-ui.css\"></head><body><div id=\"ui\"></div>"
    "<script src=\"/docs/assets/swagger-ui-bundle.js\"></script><script src=\"/docs/start.js\"></script></body></html>";
constexpr std::string_view swagger_start =
    "window.ui = SwaggerUIBundle({url: '/openapi.json', dom_id: '#ui', deepLinking: true, validatorUrl: null});\n";

constexpr std::string_view redoc_page =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Tollhouse API</title><meta "
    "name=\"viewport\" content=\"width=device-width\">"
    "<style>body{margin:0}</style></head><body><redoc spec-url=\"/openapi.json\"></redoc>"
    "<script src=\"/docs/assets/redoc.standalone.js\"></script></body></html>";

constexpr std::string_view docs_policy =
    "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' "
    "data:; font-src 'self' data:; worker-src blob:";

constexpr std::string_view login_page =
    R"html(<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Log in</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:22rem;margin:4rem auto;padding:0 1rem}label{display:block;margin:.8rem 0}
input{width:100%;padding:.5rem;font:inherit;box-sizing:border-box}button{padding:.5rem 1rem;font:inherit}#why{color:#a40000;min-height:1.5em}</style></head>
<body><h1>Log in</h1><form id="form"><label>Email <input name="email" type="email" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<p id="why" role="alert"></p><button>Log in</button></form><script src="/login/login.js"></script></body></html>
)html";

// Only paths of this server are followed after a login.
constexpr std::string_view login_script =
    R"js(document.getElementById('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const answer = await fetch('/auth/login', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(Object.fromEntries(form))});
  if (answer.ok) {
    const next = new URLSearchParams(location.search).get('next') || '/api-docs';
    location.assign(/^\/(?![\/\\])/.test(next) ? next : '/api-docs');
    return;
  }
  const problem = await answer.json();
  document.getElementById('why').textContent = typeof problem.detail === 'string' ? problem.detail : 'That did not work';
});
)js";

}  // namespace

void add_pages(api::Front& front, const PageContext& context) {
  front.add_page("/livez",
                 operations(context, [] { return text_page(200, "application/json", R"({"status":"ok"})"); }));
  front.add_page("/readyz", operations(context, [&context] {
                   return context.ready() ? text_page(200, "application/json", R"({"status":"ok"})")
                                          : text_page(503, "application/json", R"({"status":"not ready"})");
                 }));
  front.add_page("/metrics", operations(context, [&context] {
                   return text_page(200, "text/plain; version=0.0.4; charset=utf-8", context.metrics.text());
                 }));

  front.add_page("/openapi.json",
                 [&context](const Request&) { return text_page(200, "application/json", context.openapi); });
  const bool built = web::find_asset("swagger-ui-bundle.js") != nullptr;
  front.add_page("/docs", [built](const Request&) {
    return html_page(std::string(built ? swagger_page : not_built), docs_policy);
  });
  front.add_page("/docs/start.js", [](const Request&) {
    return text_page(200, "text/javascript; charset=utf-8", std::string(swagger_start));
  });
  front.add_page("/docs/deployment.js", [](const Request&) {
    return text_page(200, "text/javascript; charset=utf-8", std::string(deployed::document_script()));
  });
  front.add_page("/redoc", [built](const Request&) {
    return html_page(std::string(built ? redoc_page : not_built), docs_policy);
  });
  front.add_pages("/docs/assets/", asset);

  front.add_page("/login", [](const Request&) {
    return html_page(
        std::string(login_page),
        "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'unsafe-inline'; form-action 'none'");
  });
  front.add_page("/login/login.js", [](const Request&) {
    return text_page(200, "text/javascript; charset=utf-8", std::string(login_script));
  });
  front.add_page("/", [](const Request&) { return redirect("/docs"); });
}

}  // namespace toll::app
