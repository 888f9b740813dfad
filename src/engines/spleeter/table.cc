#include "engines/spleeter/table.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>

#include "engines/onnx/refuse.h"
#include "engines/spleeter/crc32c.h"

namespace toll::engines::spleeter {
namespace {

using onnx::refuse;
using Bytes = std::span<const std::byte>;
using Entries = std::map<std::string, Bytes>;

constexpr std::size_t footer_size = 48, trailer_size = 5, most_entries = 100'000, most_key_bytes = 16 << 20;
constexpr std::uint64_t magic = 0xdb4775248b80fb57;

template <class T>
T at(Bytes bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);  // little endian, as this machine
  return value;
}

std::optional<std::uint64_t> varint(Bytes& rest) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 63 && !rest.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(rest.front());
    rest = rest.subspan(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

Fault malformed() {
  return refuse("the checkpoint's index is malformed");
}

// What the block of a handle takes of the file.
Result<std::size_t> length_of(Bytes handle) {
  const auto offset = varint(handle), size = varint(handle);
  if (!offset || !size || *size > std::numeric_limits<std::uint32_t>::max()) return malformed();
  return *size + trailer_size;
}

// The contents of the block that a handle, an offset and a size, points to.
Result<Bytes> block_at(Bytes file, Bytes handle) {
  const auto offset = varint(handle), size = varint(handle);
  if (!offset || !size || *offset > file.size() || *size > file.size() - *offset ||
      file.size() - *offset - *size < trailer_size)
    return malformed();
  const auto with_type = file.subspan(*offset, *size + 1);
  if (with_type.back() != std::byte{0}) return refuse("the checkpoint's index is compressed, which Spleeter's is not");
  if (masked_crc32c(with_type) != at<std::uint32_t>(file, *offset + *size + 1))
    return refuse("the checkpoint's index is damaged (a checksum differs)");
  return with_type.first(*size);
}

// The entries of a block, in their order.
class Block {
 public:
  static Result<Block> open(Bytes block) {
    if (block.size() < 4) return malformed();
    const std::uint64_t restarts = 4 * (static_cast<std::uint64_t>(at<std::uint32_t>(block, block.size() - 4)) + 1);
    if (restarts > block.size()) return malformed();
    return Block(block.first(block.size() - restarts));
  }
  bool at_end() const { return rest_.empty(); }
  const std::string& key() const { return key_; }
  // The value of the next entry, whose key is then key().
  Result<Bytes> next() {
    const auto shared = varint(rest_), own = varint(rest_), size = varint(rest_);
    if (!shared || !own || !size || *shared > key_.size() || *own > rest_.size() || *size > rest_.size() - *own)
      return malformed();
    key_.resize(*shared);
    key_.append(reinterpret_cast<const char*>(rest_.data()), *own);
    const auto value = rest_.subspan(*own, *size);
    rest_ = rest_.subspan(*own + *size);
    return value;
  }

 private:
  explicit Block(Bytes entries) : rest_(entries) {}
  Bytes rest_;
  std::string key_;
};

Result<void> read_entries(Bytes block, Entries& entries, std::size_t& key_bytes) {
  auto reader = TOLL_TRY(Block::open(block));
  while (!reader.at_end()) {
    const auto value = TOLL_TRY(reader.next());
    key_bytes += reader.key().size();
    if (entries.size() == most_entries || key_bytes > most_key_bytes)
      return refuse("the checkpoint's index is too large");
    if (!entries.empty() && reader.key() <= entries.rbegin()->first) return malformed();
    entries.emplace_hint(entries.end(), reader.key(), value);
  }
  return {};
}

}  // namespace

Result<Entries> read_table(Bytes file) {
  if (file.size() < footer_size || at<std::uint64_t>(file, file.size() - 8) != magic)
    return refuse("this is not the index of a TensorFlow checkpoint, or it is cut short");
  auto handles = file.last(footer_size);
  if (!varint(handles) || !varint(handles)) return malformed();  // of the meta index, which holds nothing
  auto index = TOLL_TRY(Block::open(TOLL_TRY(block_at(file, handles))));
  Entries entries;
  std::size_t key_bytes = 0, block_bytes = 0;
  while (!index.at_end()) {
    const auto handle = TOLL_TRY(index.next());
    const auto length = TOLL_TRY(length_of(handle));
    // Blocks of a table share nothing. A small file whose index names one block over and over would take for ever.
    if (length > file.size() - block_bytes) return malformed();
    block_bytes += length;
    if (auto read = read_entries(TOLL_TRY(block_at(file, handle)), entries, key_bytes); !read)
      return std::move(read).error();
  }
  return entries;
}

}  // namespace toll::engines::spleeter
