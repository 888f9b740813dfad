// Positioned I/O on descriptors that the host opened. Offsets of the descriptors are neither used nor moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace toll::engines::av {

// Writes all bytes at `offset`. Reason::storage_full when the disk, a quota or the file size limit is reached; throws
// std::system_error on any other failure.
Result<void> write_at(int fd, std::int64_t offset, std::span<const std::byte> bytes);
// Reads up to bytes.size() bytes; fewer only at the end of the file. Throws std::system_error.
std::size_t read_at(int fd, std::int64_t offset, std::span<std::byte> bytes);
std::int64_t size_of(int fd);

}  // namespace toll::engines::av
