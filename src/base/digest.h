// SHA-256, HMAC-SHA-256, CRC-32: over OpenSSL and libdeflate, which use the CPU's own instructions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace toll {

using Sha256 = std::array<std::byte, 32>;

// Incremental SHA-256.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  Sha256 finish();  // once

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Sha256 sha256(std::string_view text);
Sha256 hmac_sha256(std::string_view key, std::string_view text);
// CRC-32 (IEEE 802.3, as in zip and gzip); feed the previous value to go on.
std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t previous = 0);
std::uint32_t crc32(std::string_view text, std::uint32_t previous = 0);
// In time that depends on the lengths only.
bool equal_constant_time(std::string_view a, std::string_view b);

std::string hex(std::span<const std::byte> bytes);
std::string_view as_text(std::span<const std::byte> bytes);
std::span<const std::byte> as_span(std::string_view text);

}  // namespace toll
