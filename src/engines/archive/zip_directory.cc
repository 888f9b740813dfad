#include "engines/archive/zip_directory.h"

#include <cstring>

#include "engines/onnx/refuse.h"

namespace toll::engines::archive {

namespace {

using onnx::refuse;
using Bytes = std::span<const std::byte>;

constexpr std::size_t end_size = 22, central_size = 46, local_size = 30, longest_comment = 0xffff;
constexpr std::uint32_t end_mark = 0x06054b50, central_mark = 0x02014b50, local_mark = 0x04034b50;
// Stands where the real number is in a ZIP64 record.
constexpr std::uint32_t elsewhere = 0xffffffff;

template <class T>
T at(Bytes bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);  // little endian, as this machine
  return value;
}

bool marked(Bytes archive, std::size_t offset, std::size_t size, std::uint32_t mark) {
  return archive.size() >= size && offset <= archive.size() - size && at<std::uint32_t>(archive, offset) == mark;
}

}  // namespace

std::optional<ZipDirectory> ZipDirectory::find(Bytes archive) {
  if (archive.size() < end_size) return std::nullopt;
  const std::size_t last = archive.size() - end_size;
  const std::size_t first = last > longest_comment ? last - longest_comment : 0;
  for (std::size_t offset = last + 1; offset-- > first;)
    if (at<std::uint32_t>(archive, offset) == end_mark)
      return ZipDirectory(archive, at<std::uint16_t>(archive, offset + 10), at<std::uint32_t>(archive, offset + 16));
  return std::nullopt;
}

Result<std::optional<ZipEntry>> ZipDirectory::next() {
  if (left_ == 0) return std::optional<ZipEntry>();
  if (!marked(archive_, offset_, central_size, central_mark)) return refuse("the archive's directory is malformed");
  const auto record = archive_.subspan(offset_);
  ZipEntry entry{{},
                 at<std::uint16_t>(record, 8),
                 at<std::uint16_t>(record, 10),
                 at<std::uint32_t>(record, 16),
                 at<std::uint32_t>(record, 20),
                 at<std::uint32_t>(record, 24),
                 at<std::uint32_t>(record, 42)};
  const std::size_t name = at<std::uint16_t>(record, 28);
  const std::size_t rest = name + at<std::uint16_t>(record, 30) + at<std::uint16_t>(record, 32);
  if (rest > record.size() - central_size) return refuse("the archive's directory is cut short");
  entry.name.assign(reinterpret_cast<const char*>(record.data() + central_size), name);
  offset_ += central_size + rest;
  --left_;
  return std::optional(std::move(entry));
}

Result<Bytes> ZipDirectory::packed(const ZipEntry& entry) const {
  if (entry.flags & 1) return refuse("the archive is encrypted");
  if (entry.size == elsewhere || entry.packed_size == elsewhere || entry.local == elsewhere)
    return refuse("the archive is larger than 4 GiB");
  if (!marked(archive_, entry.local, local_size, local_mark))
    return refuse("the archive's entries are not where its directory says");
  const auto local = archive_.subspan(entry.local);
  const std::size_t begin = local_size + at<std::uint16_t>(local, 26) + at<std::uint16_t>(local, 28);
  if (begin > local.size() || entry.packed_size > local.size() - begin) return refuse("the archive is cut short");
  return local.subspan(begin, entry.packed_size);
}

}  // namespace toll::engines::archive
