#include "surfaces/deployments/endpoints/docs.h"

#include "base/text.h"
#include "surfaces/deployments/answers.h"
#include "surfaces/deployments/document.h"

namespace toll::deployed {

namespace {

constexpr std::string_view page_policy =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'";

// Whether JSON is asked for before HTML: the order they are named in decides among equals.
bool prefers_json(std::string_view accept) {
  const auto plain = lower(accept);
  const auto json = plain.find("application/json"), html = plain.find("text/html");
  return json != plain.npos && json < html;
}

json::Object document(Call& call) {
  return document_of(entry(call), call.house.public_url);
}

// The document lies beside docs, whichever way the page was asked for.
std::string_view link_to_document(const http::Request& request) {
  return request.path.ends_with('/') ? "../openapi.json" : "openapi.json";
}

}  // namespace

Result<void> DocumentEndpoint::admit(Call& call) {
  TOLL_TRY(admit_documented(call, Use::read));
  return find_workflow(call, entry(call));
}

Result<http::Response> GetOpenApi::handle(Call& call, const Request&) {
  return json_answer(200, document(call));
}

Result<http::Response> GetDocs::handle(Call& call, const Request&) {
  if (prefers_json(call.request.fields.get("Accept"))) return json_answer(200, document(call));
  http::Response response;
  response.fields.add("Content-Type", "text/html; charset=utf-8");
  response.fields.add("Content-Security-Policy", page_policy);
  response.body = document_page(entry(call), link_to_document(call.request));
  return response;
}

}  // namespace toll::deployed
