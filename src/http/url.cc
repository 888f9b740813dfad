#include "http/url.h"

#include <algorithm>

#include "base/text.h"

namespace toll::http {

namespace {

bool valid_port(std::string_view text) {
  const auto number = text.find_first_not_of("0123456789") == text.npos ? parse_int(text) : std::nullopt;
  return number && *number >= 1 && *number <= 65535;
}

// "host", "host:port", "[v6]", "[v6]:port"
bool split_authority(std::string_view authority, Url& url) {
  const bool bracketed = authority.starts_with('[');
  const auto end = bracketed ? authority.find(']') : authority.find(':');
  if (bracketed && end == authority.npos) return false;
  url.host = bracketed ? authority.substr(1, end - 1) : authority.substr(0, end);
  if (url.host.empty() || url.host.find_first_of("[]@\\") != url.host.npos) return false;
  const auto rest = end == authority.npos ? std::string_view{} : authority.substr(end + (bracketed ? 1 : 0));
  url.port = url.tls ? "443" : "80";
  if (rest.empty()) return true;
  url.port = rest.substr(1);
  return rest.front() == ':' && valid_port(url.port);
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; })) return std::nullopt;
  const auto colon = text.find("://");
  if (colon == text.npos) return std::nullopt;
  Url url;
  const auto scheme = text.substr(0, colon);
  url.tls = equal_ignoring_case(scheme, "https");
  if (!url.tls && !equal_ignoring_case(scheme, "http")) return std::nullopt;
  text.remove_prefix(colon + 3);
  text = text.substr(0, text.find('#'));
  const auto path = std::min(text.find_first_of("/?"), text.size());
  url.authority = text.substr(0, path);
  if (!split_authority(url.authority, url)) return std::nullopt;
  url.target = text.substr(path);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

}  // namespace toll::http
