// Checkpoints and archives made byte by byte, and networks of random weights.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engines/onnx/tests/support.h"
#include "engines/spleeter/crc32c.h"
#include "engines/spleeter/network.h"

namespace toll::engines::spleeter::testing {

using onnx::testing::bytes;
using onnx::testing::MemoryFile;

template <class T>
std::string little(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
inline std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out += static_cast<char>(value);
}

// A LevelDB table of one block. Keys share their beginnings in runs of 16, as LevelDB's own do.
class TableWriter {
 public:
  void add(const std::string& key, const std::string& value) {
    std::size_t shared = 0;
    if (count_++ % 16 == 0) {
      restarts_ += little(static_cast<std::uint32_t>(entries_.size()));
    } else {
      while (shared < std::min(key.size(), last_.size()) && key[shared] == last_[shared]) ++shared;
    }
    entries_ += varint(shared) + varint(key.size() - shared) + varint(value.size()) + key.substr(shared) + value;
    last_ = key;
  }
  std::string block() const {
    const auto restarts = restarts_.empty() ? little<std::uint32_t>(0) : restarts_;
    return entries_ + restarts + little(static_cast<std::uint32_t>(restarts.size() / 4));
  }
  static std::string with_trailer(const std::string& block, char type = 0) {
    const auto typed = block + type;
    return typed + little(masked_crc32c(bytes(typed)));
  }
  // `handles`: how often the index names the block.
  std::string file(char type = 0, int handles = 1) const {
    const auto data = block(), none = TableWriter().block();
    TableWriter index;
    for (int i = 0; i < handles; ++i)
      index.add(last_ + std::string(1 + i / 100, '\x7f'), varint(0) + varint(data.size()));
    std::string out = with_trailer(data, type);
    auto footer = varint(out.size()) + varint(none.size());
    out += with_trailer(none);
    footer += varint(out.size()) + varint(index.block().size());
    out += with_trailer(index.block());
    footer.resize(40);
    return out + footer + little<std::uint64_t>(0xdb4775248b80fb57);
  }

 private:
  std::string entries_, restarts_, last_;
  std::size_t count_ = 0;
};

struct Files {
  std::string index, data;
};

// What is told of a variable, to be told wrongly by tests.
struct Told {
  std::uint64_t type = 1, shard = 0;
  std::vector<std::int64_t> shape;
  std::uint64_t offset = 0, size = 0;
  std::uint32_t checksum = 0;

  std::string entry() const {
    std::string extents;
    for (auto extent : shape) {
      const auto one = "\x08" + varint(static_cast<std::uint64_t>(extent));
      extents += "\x12" + varint(one.size()) + one;
    }
    auto out = "\x08" + varint(type) + "\x12" + varint(extents.size()) + extents;
    if (shard) out += "\x18" + varint(shard);
    if (offset) out += "\x20" + varint(offset);
    return out + "\x28" + varint(size) + "\x35" + little(checksum);
  }
};

// Random weights of a network with these filters. Owns the bytes.
class RandomCheckpoint {
 public:
  explicit RandomCheckpoint(unsigned seed = 1, const std::vector<std::int64_t>& filters = {2, 2, 3, 2, 3, 2}) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> weights(-0.4f, 0.4f);
    for (const auto& [name, shape] : variables_of(filters)) {
      std::size_t count = 1;
      for (auto extent : shape) count *= static_cast<std::size_t>(extent);
      auto& values = values_[name];
      values.resize(count);
      for (float& value : values) value = weights(random) + (name.ends_with("/moving_variance") ? 1.0f : 0.0f);
      checkpoint[name] = {shape, std::as_bytes(std::span(values))};
    }
  }
  std::vector<float>& values(const std::string& name) { return values_.at(name); }
  // The two files, as TensorFlow writes them; `change` may tell something else of a variable.
  template <class Change>
  Files files(Change change) const {
    std::map<std::string, std::string> entries{{"", std::string("\x08\x01\x1a\x02\x08\x01", 6)}};
    Files out;
    for (const auto& [name, tensor] : checkpoint) {
      Told told{1, 0, tensor.shape, out.data.size(), tensor.bytes.size(), masked_crc32c(tensor.bytes)};
      out.data.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
      change(name, told);
      entries[name] = told.entry();
    }
    entries["global_step"] = Told{9, 0, {}, out.data.size(), 8, 0}.entry();
    out.data += little<std::int64_t>(1'000'000);
    TableWriter table;
    for (const auto& [name, entry] : entries) table.add(name, entry);
    out.index = table.file();
    return out;
  }
  Files files() const {
    return files([](const std::string&, Told&) {});
  }
  Checkpoint checkpoint;

 private:
  std::map<std::string, std::vector<float>> values_;
};

inline std::string deflated(const std::string& content, int window_bits = -15) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib");
  std::string out(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

using Named = std::vector<std::pair<std::string, std::string>>;

// A zip archive of deflated entries. `grown` is added to the sizes that it tells.
inline std::string zip(const Named& entries, std::uint32_t grown = 0) {
  std::string out, directory;
  for (const auto& [name, content] : entries) {
    const auto packed = deflated(content);
    const auto crc =
        static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
    const std::string common = little<std::uint16_t>(0) + little<std::uint16_t>(8) + little<std::uint32_t>(0) +
                               little(crc) + little(static_cast<std::uint32_t>(packed.size())) +
                               little(static_cast<std::uint32_t>(content.size() + grown)) +
                               little(static_cast<std::uint16_t>(name.size())) + little<std::uint16_t>(0);
    directory += "PK\x01\x02" + little<std::uint16_t>(20) + little<std::uint16_t>(20) + common +
                 little<std::uint16_t>(0) + little<std::uint16_t>(0) + little<std::uint16_t>(0) +
                 little<std::uint32_t>(0) + little(static_cast<std::uint32_t>(out.size())) + name;
    out += "PK\x03\x04" + little<std::uint16_t>(20) + common + name + packed;
  }
  const auto count = static_cast<std::uint16_t>(entries.size());
  return out + directory + "PK\x05\x06" + std::string(4, '\0') + little(count) + little(count) +
         little(static_cast<std::uint32_t>(directory.size())) + little(static_cast<std::uint32_t>(out.size())) +
         std::string(2, '\0');
}

// A tar archive of one file; `claimed` is the size that it tells.
inline std::string tar_entry(const std::string& name, const std::string& content, std::uint64_t claimed) {
  const auto octal = [](std::uint64_t value, std::size_t width) {
    std::string out(width, '0');
    for (std::size_t i = width; i-- > 0; value /= 8) out[i] = static_cast<char>('0' + value % 8);
    return out;
  };
  std::string head(512, '\0');
  head.replace(0, name.size(), name);
  head.replace(124, 11, octal(claimed, 11));
  head.replace(148, 8, "        ");
  head[156] = '0';
  head.replace(257, 5, "ustar");
  std::uint64_t sum = 0;
  for (char byte : head) sum += static_cast<unsigned char>(byte);
  head.replace(148, 7, octal(sum, 6) + '\0');
  return head + content + std::string((512 - content.size() % 512) % 512, '\0');
}
inline std::string tar(const Named& entries) {
  std::string out;
  for (const auto& [name, content] : entries) out += tar_entry(name, content, content.size());
  return out + std::string(1024, '\0');
}
inline std::string gzip(const std::string& content) {
  return deflated(content, 15 + 16);
}

}  // namespace toll::engines::spleeter::testing
