// Digests and codings that other systems still speak: Content-MD5, Git's SHA-1, base64. Nothing here protects anything.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace toll {

// Incremental.
class ChecksumStream {
 public:
  enum class Kind { md5, sha1 };
  explicit ChecksumStream(Kind kind);
  ~ChecksumStream();
  ChecksumStream(ChecksumStream&&) noexcept;
  ChecksumStream& operator=(ChecksumStream&&) noexcept;
  void update(std::string_view bytes);
  std::string finish();  // 16 or 20 raw bytes; once

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// RFC 4648, 4: with padding. Decoding takes nothing but that form.
std::string base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);
// 2n hexadecimal digits of either case.
std::optional<std::string> from_hex(std::string_view text);

}  // namespace toll
