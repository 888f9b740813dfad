#pragma once

#include <string>
#include <string_view>

namespace toll::metering {

// redis://[user:password@]host[:port][/database] or unix:///path. User and password may be percent-encoded.
struct RedisAddress {
  std::string unix_path;  // empty: host and port
  std::string host = "127.0.0.1";
  int port = 6379;
  std::string user, password;
  int database = 0;
};
// Throws std::invalid_argument on anything else.
RedisAddress parse_redis_url(std::string_view url);

}  // namespace toll::metering
