#include "surfaces/tunes/page.h"

#include <algorithm>

#include "api/input.h"
#include "base/text.h"

namespace toll::tunes {

namespace {

constexpr std::size_t max_cursor_bytes = 512;

bool plain_host(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '-' ||
           c == '_' || c == ':' || c == '[' || c == ']';
  });
}

// Without a usable Host the address is a path, which is as good for who follows it.
std::string base_of(const http::Request& request, std::string_view public_url) {
  if (!public_url.empty()) return std::string(public_url);
  const auto host = request.fields.get("Host");
  return plain_host(host) ? std::string(request.tls ? "https://" : "http://").append(host) : std::string();
}

}  // namespace

std::string cursor_text(std::span<const std::int64_t> numbers, std::string_view id) {
  std::string plain;
  for (auto number : numbers) plain += std::to_string(number) + " ";
  return base64url(plain.append(id));
}

bool read_cursor(std::string_view text, std::span<std::int64_t> numbers, std::string& id) {
  if (text.size() > max_cursor_bytes) return false;
  const auto plain = from_base64url(text);
  if (!plain || !valid_utf8(*plain) || plain->find('\0') != plain->npos) return false;
  std::string_view rest = *plain;
  for (auto& number : numbers) {
    const auto space = rest.find(' ');
    const auto value = space == rest.npos ? std::nullopt : parse_int(rest.substr(0, space));
    if (!value) return false;
    number = *value;
    rest.remove_prefix(space + 1);
  }
  id = rest;
  return !id.empty() && id.find(' ') == id.npos;
}

std::string href_of(const http::Request& request, std::string_view public_url) {
  return base_of(request, public_url) + request.target;
}

std::string next_of(const http::Request& request, std::string_view public_url, std::string_view after) {
  std::string out = base_of(request, public_url) + request.path + "?";
  for (const auto& [name, value] : api::parse_urlencoded(request.query))
    if (name != "after") out += percent_encode(name) + "=" + percent_encode(value) + "&";
  return out.append("after=").append(percent_encode(after));
}

}  // namespace toll::tunes
