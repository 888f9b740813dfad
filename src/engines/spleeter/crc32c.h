// CRC-32C (Castagnoli, RFC 3720), as LevelDB's tables and TensorFlow's checkpoints store it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace toll::engines::spleeter {

std::uint32_t crc32c(std::span<const std::byte> bytes);
// What stands in the file: a checksum of bytes that hold checksums would lose its worth, so LevelDB turns it.
std::uint32_t masked_crc32c(std::span<const std::byte> bytes);

}  // namespace toll::engines::spleeter
