#include "surfaces/deployments/page.h"

#include <algorithm>

#include "api/input.h"
#include "base/text.h"

namespace toll::deployed {

namespace {

constexpr std::int64_t largest_page = 1000, last_page = 1'000'000'000;

bool plain_host(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '-' ||
           c == '_' || c == ':' || c == '[' || c == ']';
  });
}

}  // namespace

std::string query(const Call& call, std::string_view name) {
  for (const auto& [key, value] : api::parse_urlencoded(call.request.query))
    if (key == name) return value.find('\0') == value.npos && valid_utf8(value) ? value : "\xEF\xBF\xBD";
  return {};
}

Result<Paging> paging(const Call& call) {
  Paging out;
  if (const auto text = query(call, "page_size"); !text.empty()) {
    const auto size = parse_int(text);
    if (!size || *size < 1 || *size > largest_page)
      return Fault(Reason::invalid_request)
          .at({{.place = Place::query, .path = {std::string("page_size")}, .message = "must be 1 to 1000"}});
    out.size = *size;
  }
  if (const auto text = query(call, "page"); !text.empty()) {
    const auto number = parse_int(text);
    if (!number || *number < 1 || *number > last_page) return Reason::not_found;
    out.number = *number;
  }
  return out;
}

std::string origin_of(const http::Request& request, std::string_view public_url) {
  if (!public_url.empty()) return std::string(public_url);
  const auto host = request.fields.get("Host");
  return plain_host(host) ? std::string(request.tls ? "https://" : "http://").append(host) : std::string();
}

std::string address_of(const Call& call, const Paging& page) {
  std::string out = origin_of(call.request, call.house.public_url) + call.request.path + "?";
  for (const auto& [name, value] : api::parse_urlencoded(call.request.query))
    if (name != "page") out += percent_encode(name) + "=" + percent_encode(value) + "&";
  return out + "page=" + std::to_string(page.number);
}

json::Object page_json(const Page<json::Value>& page) {
  json::Object out{{"count", page.count}, {"next", nullptr}, {"previous", nullptr}};
  if (page.next) out["next"] = *page.next;
  if (page.previous) out["previous"] = *page.previous;
  out["results"] = json::Array(page.results.begin(), page.results.end());
  return out;
}

}  // namespace toll::deployed
