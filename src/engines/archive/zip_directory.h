// The directory of a zip archive (PKWARE's APPNOTE 6.3): what is in it and where. Nothing is unpacked here, so nothing
// can grow; what an entry may be packed with is the caller's matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"

namespace toll::engines::archive {

struct ZipEntry {
  std::string name;  // as it stands there: not checked, no path to be opened
  std::uint16_t flags = 0, method = 0;
  std::uint32_t crc32 = 0;                  // of the unpacked content
  std::uint32_t packed_size = 0, size = 0;  // as the directory says
  std::uint32_t local = 0;                  // where the entry begins in the archive
};
inline constexpr std::uint16_t stored = 0, deflated = 8;  // of ZipEntry::method

// Reads the entries one by one, in the directory's order: never more than 65,535. The archive must outlive it.
class ZipDirectory {
 public:
  // nullopt: there is no directory's end in it, so it is no zip archive or cut short.
  static std::optional<ZipDirectory> find(std::span<const std::byte> archive);

  // The next entry; nullopt behind the last. Reason::model_unusable, argument why: malformed or cut short.
  Result<std::optional<ZipEntry>> next();
  // The bytes of an entry as they are packed, a view into the archive. Reason::model_unusable, argument why: encrypted,
  // ZIP64 sizes, not where the directory says, cut short.
  Result<std::span<const std::byte>> packed(const ZipEntry& entry) const;

 private:
  ZipDirectory(std::span<const std::byte> archive, std::size_t count, std::size_t offset)
      : archive_(archive), left_(count), offset_(offset) {}
  std::span<const std::byte> archive_;
  std::size_t left_, offset_;
};

}  // namespace toll::engines::archive
