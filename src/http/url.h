// http and https URLs, as far as a client needs them (RFC 3986, RFC 9110 4.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace toll::http {

struct Url {
  bool tls = false;
  std::string host;       // without the brackets of an IPv6 address
  std::string port;       // always set
  std::string authority;  // for Host: with brackets; with the port if it was given
  std::string target;     // path and query, at least "/"; the fragment is dropped
};

// nullopt: another scheme, user information, no host, a bad port, blanks or control characters.
std::optional<Url> parse_url(std::string_view text);

}  // namespace toll::http
