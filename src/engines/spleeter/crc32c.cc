#include "engines/spleeter/crc32c.h"

#include <array>
#include <cstring>

namespace toll::engines::spleeter {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78, mask_delta = 0xa282ead8;

// Eight tables, for eight bytes a step (Kounavis and Berry, "A Systematic Approach to Building High Performance
// Software-based CRC Generators", 2005).
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t n = 0; n < 256; ++n) {
    std::uint32_t crc = n;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
    tables[0][n] = crc;
  }
  for (std::size_t t = 1; t < 8; ++t)
    for (std::size_t n = 0; n < 256; ++n) tables[t][n] = tables[t - 1][n] >> 8 ^ tables[0][tables[t - 1][n] & 0xff];
  return tables;
}
constexpr Tables tables = make_tables();

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xffffffff;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);  // little endian, as this machine
    word ^= crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= tables[7 - i][word >> (8 * i) & 0xff];
  }
  for (auto byte : bytes) crc = crc >> 8 ^ tables[0][(crc ^ static_cast<std::uint32_t>(byte)) & 0xff];
  return ~crc;
}

std::uint32_t masked_crc32c(std::span<const std::byte> bytes) {
  const auto crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + mask_delta;
}

}  // namespace toll::engines::spleeter
