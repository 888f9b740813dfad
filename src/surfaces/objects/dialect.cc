#include "surfaces/objects/dialect.h"

namespace toll::object_store {

namespace {

// Text of an XML element. Characters that XML 1.0 cannot hold are left out.
std::string xml_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) >= ' ' && static_cast<unsigned char>(c) < 0x7f)
      out += c;
  }
  return out;
}

}  // namespace

Result<identity::Credential> Dialect::credential(const http::Request&, api::Access) {
  return Reason::no_credentials;
}

http::Response Dialect::fault(const Fault& fault, api::Access) {
  const auto& known = row(fault.reason());
  http::Response response;
  response.status = known.status;
  response.fields.add("Content-Type", "application/xml");
  if (known.status == 401) response.fields.add("WWW-Authenticate", "AWS4-HMAC-SHA256");
  if (known.status == 503) response.fields.add("Retry-After", "30");
  auto message = fault.fill(known.text);
  if (message.empty()) message = known.status == 403 ? "Access Denied" : row_of(fault.reason()).title;
  response.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + std::string(known.code) +
                  "</Code><Message>" + xml_text(message) + "</Message></Error>";
  return response;
}

void Dialect::finish(const http::Request& request, http::Response& response) {
  response.fields.set("Access-Control-Allow-Origin", "*");
  response.fields.set("Access-Control-Expose-Headers", "ETag, Content-Range");
  constexpr std::string_view end = "</Error>";
  if (!response.body.ends_with(end)) return;
  response.body.resize(response.body.size() - end.size());
  response.body += "<Resource>" + xml_text(request.path) + "</Resource><RequestId>" +
                   xml_text(response.fields.get("X-Request-Id")) + "</RequestId></Error>";
}

json::Object Dialect::security_schemes() {
  return {};
}
json::Object Dialect::fault_schema() {
  return {{"type", "object"}};
}

}  // namespace toll::object_store
