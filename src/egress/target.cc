#include "egress/target.h"

#include <algorithm>

#include "base/text.h"

namespace toll::egress {

namespace {

constexpr std::size_t longest_url = 8192;

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

bool has(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  const bool there = curl_url_get(url, which, &text, 0) == CURLUE_OK;
  curl_free(text);
  return there;
}

}  // namespace

std::optional<Target> Target::parse(std::string_view text) {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c != 0x7f && c != '\\'; });
  if (!plain || text.empty() || text.size() > longest_url) return std::nullopt;
  Target out{.url = {curl_url(), curl_url_cleanup}};
  if (!out.url) throw std::bad_alloc();
  auto* url = out.url.get();
  if (curl_url_set(url, CURLUPART_URL, std::string(text).c_str(), CURLU_DISALLOW_USER) != CURLUE_OK)
    return std::nullopt;
  out.scheme = lower(part(url, CURLUPART_SCHEME));
  if (out.scheme != "http" && out.scheme != "https") return std::nullopt;
  if (has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD) || has(url, CURLUPART_ZONEID)) return std::nullopt;
  out.host = lower(part(url, CURLUPART_HOST));
  if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
  const bool ascii = std::all_of(out.host.begin(), out.host.end(), [](unsigned char c) { return c > ' ' && c < 0x7f; });
  if (out.host.empty() || !ascii) return std::nullopt;
  const auto port = parse_int(part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT));
  if (!port || *port < 1 || *port > 65535) return std::nullopt;
  out.port = static_cast<std::uint16_t>(*port);
  curl_url_set(url, CURLUPART_FRAGMENT, nullptr, 0);
  out.text = part(url, CURLUPART_URL);
  return out;
}

std::string Target::origin() const {
  return scheme + "://" + host + ":" + std::to_string(port);
}

}  // namespace toll::egress
