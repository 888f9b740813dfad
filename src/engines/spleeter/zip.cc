#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "engines/onnx/refuse.h"
#include "engines/spleeter/archive.h"
#include "engines/spleeter/inflate.h"

namespace toll::engines::spleeter {
namespace {

using onnx::refuse;
using Bytes = std::span<const std::byte>;

constexpr std::size_t end_size = 22, central_size = 46, local_size = 30, longest_comment = 0xffff;
constexpr std::uint16_t stored = 0, deflated = 8;

template <class T>
T at(Bytes bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);  // little endian, as this machine
  return value;
}

std::optional<std::size_t> find_end(Bytes archive) {
  if (archive.size() < end_size) return std::nullopt;
  const std::size_t last = archive.size() - end_size;
  const std::size_t first = last > longest_comment ? last - longest_comment : 0;
  for (std::size_t offset = last + 1; offset-- > first;)
    if (at<std::uint32_t>(archive, offset) == 0x06054b50) return offset;
  return std::nullopt;
}

struct Entry {
  std::string name;
  std::uint16_t flags = 0, method = 0;
  std::uint32_t crc32 = 0, packed = 0, size = 0, local = 0;
};

// One record of the central directory at `offset`, which moves past it.
Result<Entry> read_entry(Bytes archive, std::size_t& offset) {
  if (archive.size() < central_size || offset > archive.size() - central_size ||
      at<std::uint32_t>(archive, offset) != 0x02014b50)
    return refuse("the archive's directory is malformed");
  Entry entry{{},
              at<std::uint16_t>(archive, offset + 8),
              at<std::uint16_t>(archive, offset + 10),
              at<std::uint32_t>(archive, offset + 16),
              at<std::uint32_t>(archive, offset + 20),
              at<std::uint32_t>(archive, offset + 24),
              at<std::uint32_t>(archive, offset + 42)};
  const std::size_t name = at<std::uint16_t>(archive, offset + 28);
  const std::size_t rest = name + at<std::uint16_t>(archive, offset + 30) + at<std::uint16_t>(archive, offset + 32);
  if (rest > archive.size() - offset - central_size) return refuse("the archive's directory is cut short");
  entry.name.assign(reinterpret_cast<const char*>(archive.data() + offset + central_size), name);
  offset += central_size + rest;
  return entry;
}

Result<Bytes> packed_bytes(Bytes archive, const Entry& entry) {
  const std::size_t local = entry.local;
  if (archive.size() < local_size || local > archive.size() - local_size ||
      at<std::uint32_t>(archive, local) != 0x04034b50)
    return refuse("the archive's entries are not where its directory says");
  const std::size_t begin =
      local + local_size + at<std::uint16_t>(archive, local + 26) + at<std::uint16_t>(archive, local + 28);
  if (begin > archive.size() || entry.packed > archive.size() - begin) return refuse("the archive is cut short");
  return archive.subspan(begin, entry.packed);
}

Result<std::vector<std::byte>> inflate_all(Bytes packed, std::size_t size) {
  if (size / most_growth > packed.size()) return refuse("the archive claims more than it can hold");
  std::vector<std::byte> content(size);
  std::byte beyond[1];
  Inflater inflater(packed, Inflater::Format::deflate);
  if (TOLL_TRY(inflater.read(content)) != size) return refuse("a file of the archive is shorter than it says");
  if (TOLL_TRY(inflater.read(beyond)) != 0) return refuse("a file of the archive is longer than it says");
  return content;
}

Result<std::vector<std::byte>> unpack(Bytes archive, const Entry& entry, std::size_t most) {
  if (entry.flags & 1) return refuse("the archive is encrypted");
  if (entry.size == 0xffffffff || entry.local == 0xffffffff) return refuse("the archive is larger than 4 GiB");
  if (entry.size > most) return refuse(entry.name + " is too large");
  const auto packed = TOLL_TRY(packed_bytes(archive, entry));
  if (entry.method != stored && entry.method != deflated)
    return refuse("the archive is compressed by other means than deflate");
  if (entry.method == stored && packed.size() != entry.size) return refuse("the archive contradicts itself");
  auto content = entry.method == stored ? std::vector<std::byte>(packed.begin(), packed.end())
                                        : TOLL_TRY(inflate_all(packed, entry.size));
  if (crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()) != entry.crc32)
    return refuse(entry.name + " is damaged (its checksum differs)");
  return content;
}

}  // namespace

Result<void> read_zip(Bytes archive, ArchiveVisitor& visitor) {
  const auto end = find_end(archive);
  if (!end) return refuse("the archive is cut short");
  const auto count = at<std::uint16_t>(archive, *end + 10);
  std::size_t offset = at<std::uint32_t>(archive, *end + 16);
  for (std::size_t i = 0; i < count; ++i) {
    const auto entry = TOLL_TRY(read_entry(archive, offset));
    const auto most = visitor.most_bytes_of(entry.name);
    if (!most) continue;
    if (auto taken = visitor.take(entry.name, TOLL_TRY(unpack(archive, entry, *most))); !taken) return taken;
  }
  return {};
}

}  // namespace toll::engines::spleeter
