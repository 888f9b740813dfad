#include "engines/htdemucs/zip.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "engines/onnx/refuse.h"

namespace toll::engines::htdemucs {
namespace {

using onnx::refuse;
using Bytes = std::span<const std::byte>;

constexpr std::size_t end_size = 22, central_size = 46, local_size = 30, longest_comment = 0xffff;

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
  Bytes content;
};

// One record of the central directory at `offset`, which moves past it.
Result<Entry> read_entry(Bytes archive, std::size_t& offset) {
  if (archive.size() < central_size || offset > archive.size() - central_size ||
      at<std::uint32_t>(archive, offset) != 0x02014b50)
    return refuse("the archive's directory is malformed");
  const auto flags = at<std::uint16_t>(archive, offset + 8), method = at<std::uint16_t>(archive, offset + 10);
  const auto packed = at<std::uint32_t>(archive, offset + 20), size = at<std::uint32_t>(archive, offset + 24);
  const std::size_t name_size = at<std::uint16_t>(archive, offset + 28);
  const std::size_t rest =
      name_size + at<std::uint16_t>(archive, offset + 30) + at<std::uint16_t>(archive, offset + 32);
  const std::size_t local = at<std::uint32_t>(archive, offset + 42);
  if (rest > archive.size() - offset - central_size) return refuse("the archive's directory is cut short");
  std::string name(reinterpret_cast<const char*>(archive.data() + offset + central_size), name_size);
  offset += central_size + rest;

  if (flags & 1) return refuse("the archive is encrypted");
  if (method != 0 || packed != size) return refuse("the archive is compressed, which checkpoints are not");
  if (size == 0xffffffff || local == 0xffffffff) return refuse("the archive is larger than 4 GiB");
  if (archive.size() < local_size || local > archive.size() - local_size ||
      at<std::uint32_t>(archive, local) != 0x04034b50)
    return refuse("the archive's entries are not where its directory says");
  const std::size_t begin =
      local + local_size + at<std::uint16_t>(archive, local + 26) + at<std::uint16_t>(archive, local + 28);
  if (begin > archive.size() || size > archive.size() - begin) return refuse("the archive is cut short");
  return Entry{std::move(name), archive.subspan(begin, size)};
}

bool overlap(std::vector<Bytes> contents) {
  std::sort(contents.begin(), contents.end(), [](Bytes a, Bytes b) { return a.data() < b.data(); });
  for (std::size_t i = 1; i < contents.size(); ++i)
    if (contents[i - 1].data() + contents[i - 1].size() > contents[i].data()) return true;
  return false;
}

}  // namespace

Result<std::map<std::string, Bytes>> read_zip(Bytes archive) {
  const auto end = find_end(archive);
  if (!end) return refuse("this is not a checkpoint, or it is cut short");
  const auto count = at<std::uint16_t>(archive, *end + 10);
  std::size_t offset = at<std::uint32_t>(archive, *end + 16);
  std::map<std::string, Bytes> entries;
  std::vector<Bytes> contents;
  for (std::size_t i = 0; i < count; ++i) {
    auto entry = TOLL_TRY(read_entry(archive, offset));
    if (!entry.content.empty()) contents.push_back(entry.content);
    if (!entries.emplace(std::move(entry.name), entry.content).second)
      return refuse("the archive names an entry twice");
  }
  if (overlap(std::move(contents))) return refuse("entries of the archive overlap");
  return entries;
}

}  // namespace toll::engines::htdemucs
