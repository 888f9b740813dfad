// A URL as libcurl reads it: the same parser judges it and calls it. Private to egress/.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace toll::egress {

struct Target {
  std::shared_ptr<CURLU> url;
  std::string scheme, host;  // host without brackets, in lower case; numbers of IPv4 in their usual form
  std::uint16_t port = 0;
  std::string text;  // the URL, without fragment
  std::string origin() const;

  // nullopt: not http or https, user information, a zone, a host that is not ASCII, or no URL at all.
  static std::optional<Target> parse(std::string_view url);
};

}  // namespace toll::egress
