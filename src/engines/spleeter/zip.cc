#include <zlib.h>

#include <string>

#include "engines/archive/zip_directory.h"
#include "engines/onnx/refuse.h"
#include "engines/spleeter/archive.h"
#include "engines/spleeter/inflate.h"

namespace toll::engines::spleeter {
namespace {

using archive::deflated;
using archive::stored;
using archive::ZipDirectory;
using archive::ZipEntry;
using onnx::refuse;
using Bytes = std::span<const std::byte>;

Result<std::vector<std::byte>> inflate_all(Bytes packed, std::size_t size) {
  if (size / most_growth > packed.size()) return refuse("the archive claims more than it can hold");
  std::vector<std::byte> content(size);
  std::byte beyond[1];
  Inflater inflater(packed, Inflater::Format::deflate);
  if (TOLL_TRY(inflater.read(content)) != size) return refuse("a file of the archive is shorter than it says");
  if (TOLL_TRY(inflater.read(beyond)) != 0) return refuse("a file of the archive is longer than it says");
  return content;
}

Result<std::vector<std::byte>> unpack(const ZipDirectory& directory, const ZipEntry& entry, std::size_t most) {
  const auto packed = TOLL_TRY(directory.packed(entry));
  if (entry.size > most) return refuse(entry.name + " is too large");
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
  auto directory = ZipDirectory::find(archive);
  if (!directory) return refuse("the archive is cut short");
  while (const auto entry = TOLL_TRY(directory->next())) {
    const auto most = visitor.most_bytes_of(entry->name);
    if (!most) continue;
    auto taken = visitor.take(entry->name, TOLL_TRY(unpack(*directory, *entry, *most)));
    if (!taken) return taken;
  }
  return {};
}

}  // namespace toll::engines::spleeter
