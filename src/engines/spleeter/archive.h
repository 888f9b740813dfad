// Zip archives (PKWARE's APPNOTE 6.3) and gzipped tar archives (POSIX.1-1988, "ustar"): the files that a visitor wants.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace toll::engines::spleeter {

class ArchiveVisitor {
 public:
  virtual ~ArchiveVisitor() = default;
  // How long the file of this path may be; nullopt: it is not wanted.
  virtual std::optional<std::size_t> most_bytes_of(std::string_view path) = 0;
  virtual Result<void> take(std::string_view path, std::vector<std::byte> content) = 0;
};

// Entries are stored or deflated. Faults: the visitor's; model_unusable, argument why: cut short, encrypted, ZIP64,
// another compression, a file that is longer than wanted or than it said, or whose CRC-32 differs.
Result<void> read_zip(std::span<const std::byte> archive, ArchiveVisitor& visitor);

// Faults: the visitor's; model_unusable, argument why: cut short, damaged, a file that is longer than wanted, more than
// 10,000 entries or 4 GiB in all.
Result<void> read_tar_gz(std::span<const std::byte> archive, ArchiveVisitor& visitor);

}  // namespace toll::engines::spleeter
