#include "metering/counters/redis_url.h"

#include <charconv>
#include <stdexcept>

namespace toll::metering {

namespace {

[[noreturn]] void refuse() {
  throw std::invalid_argument("must be redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] or unix:///PATH");
}

int number(std::string_view text, int most) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > most) refuse();
  return value;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const auto hex = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    if (hex.size() != 2 || error != std::errc() || end != hex.data() + 2) refuse();
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

RedisAddress parse_redis_url(std::string_view url) {
  RedisAddress out;
  if (take_prefix(url, "unix://")) {
    if (!url.starts_with('/')) refuse();
    out.unix_path = url;
    return out;
  }
  if (!take_prefix(url, "redis://")) refuse();
  if (const auto slash = url.find('/'); slash != url.npos) {
    if (slash + 1 < url.size()) out.database = number(url.substr(slash + 1), 1'000'000);
    url = url.substr(0, slash);
  }
  if (const auto at = url.rfind('@'); at != url.npos) {
    const auto login = url.substr(0, at);
    const auto colon = login.find(':');
    out.user = decoded(login.substr(0, colon));
    if (colon != login.npos) out.password = decoded(login.substr(colon + 1));
    url.remove_prefix(at + 1);
  }
  const auto bracket = url.rfind(']');
  const auto colon = url.rfind(':');
  if (colon != url.npos && (bracket == url.npos || colon > bracket)) {
    out.port = number(url.substr(colon + 1), 65'535);
    url = url.substr(0, colon);
  }
  if (url.starts_with('[') && url.ends_with(']')) url = url.substr(1, url.size() - 2);
  if (url.empty()) refuse();
  out.host = url;
  return out;
}

}  // namespace toll::metering
