#include "objects/digest_text.h"

#include <charconv>
#include <stdexcept>

namespace toll::objects {

Sha256 digest_from_text(std::string_view text) {
  Sha256 digest{};
  if (text.size() != 2 * digest.size()) throw std::logic_error("not a SHA-256 digest: " + std::string(text));
  for (std::size_t i = 0; i < digest.size(); ++i) {
    unsigned value = 0;
    const char* begin = text.data() + 2 * i;
    const auto [end, failed] = std::from_chars(begin, begin + 2, value, 16);
    if (failed != std::errc() || end != begin + 2) throw std::logic_error("not a SHA-256 digest: " + std::string(text));
    digest[i] = static_cast<std::byte>(value);
  }
  return digest;
}

}  // namespace toll::objects
