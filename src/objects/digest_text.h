// Digests stand in the tables as 64 hexadecimal characters.
#pragma once

#include <string>
#include <string_view>

#include "base/digest.h"

namespace toll::objects {

inline std::string digest_text(const Sha256& digest) {
  return hex(digest);
}
// Throws std::logic_error for anything but 64 lower-case hexadecimal characters: the tables hold nothing else.
Sha256 digest_from_text(std::string_view text);

}  // namespace toll::objects
