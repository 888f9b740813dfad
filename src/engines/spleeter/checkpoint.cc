#include "engines/spleeter/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engines/onnx/protobuf_reader.h"
#include "engines/onnx/refuse.h"
#include "engines/spleeter/crc32c.h"
#include "engines/spleeter/table.h"

namespace toll::engines::spleeter {
namespace {

using onnx::ProtobufField;
using onnx::ProtobufReader;
using onnx::refuse;
using Bytes = std::span<const std::byte>;
using Wire = ProtobufField::Wire;

constexpr std::uint64_t float32_type = 1;  // DT_FLOAT of tensorflow/core/framework/types.proto
constexpr std::size_t most_dimensions = 8;
constexpr std::int64_t most_elements = largest_data / sizeof(float);

// BundleEntryProto.
struct Entry {
  std::uint64_t type = 0, shard = 0, offset = 0, size = 0;
  std::uint32_t checksum = 0;
  bool sliced = false, known_rank = true;
  std::vector<std::int64_t> shape;
};

// TensorShapeProto: the extents, each a message of its own.
bool read_shape(Bytes message, Entry& entry) {
  ProtobufReader shape(message);
  while (const auto field = shape.next()) {
    if (field->number == 3) entry.known_rank = false;
    if (field->number != 2 || field->wire != Wire::bytes) continue;
    ProtobufReader dimension(field->payload);
    std::int64_t extent = 0;
    while (const auto part = dimension.next())
      if (part->number == 1 && part->wire == Wire::varint) extent = static_cast<std::int64_t>(part->value);
    if (dimension.malformed() || entry.shape.size() == most_dimensions) return false;
    entry.shape.push_back(extent);
  }
  return !shape.malformed();
}

bool read_entry(Bytes message, Entry& entry) {
  ProtobufReader reader(message);
  while (const auto field = reader.next()) {
    const bool number = field->wire == Wire::varint;
    if (field->number == 1 && number) entry.type = field->value;
    if (field->number == 2 && field->wire == Wire::bytes && !read_shape(field->payload, entry)) return false;
    if (field->number == 3 && number) entry.shard = field->value;
    if (field->number == 4 && number) entry.offset = field->value;
    if (field->number == 5 && number) entry.size = field->value;
    if (field->number == 6 && field->wire == Wire::fixed32) entry.checksum = static_cast<std::uint32_t>(field->value);
    if (field->number == 7) entry.sliced = true;
  }
  return !reader.malformed();
}

// BundleHeaderProto: one data file, little endian.
Result<void> check_header(Bytes message) {
  ProtobufReader reader(message);
  std::uint64_t files = 0, endianness = 0;
  while (const auto field = reader.next()) {
    if (field->number == 1 && field->wire == Wire::varint) files = field->value;
    if (field->number == 2 && field->wire == Wire::varint) endianness = field->value;
  }
  if (reader.malformed()) return refuse("the checkpoint's header is malformed");
  if (files != 1) return refuse("the checkpoint's values lie in several files");
  if (endianness != 0) return refuse("the checkpoint is big-endian");
  return {};
}

// Bytes of a tensor of this shape; -1 when no file that is read here can hold it.
std::int64_t bytes_of(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (auto extent : shape) {
    if (extent < 0 || (extent && count > most_elements / extent)) return -1;
    count *= extent;
  }
  return count * static_cast<std::int64_t>(sizeof(float));
}

bool is_of_training(const std::string& name) {
  return name == "global_step" || name == "beta1_power" || name == "beta2_power" || name.ends_with("/Adam") ||
         name.ends_with("/Adam_1");
}

Result<Tensor> tensor_of(const std::string& name, Bytes message, Bytes data) {
  const auto shown = name.substr(0, 100);
  Entry entry;
  if (!read_entry(message, entry)) return refuse("the entry of " + shown + " is malformed");
  if (entry.type != float32_type) return refuse(shown + " is not in single precision");
  if (entry.sliced || !entry.known_rank || entry.shard != 0) return refuse(shown + " is stored in parts");
  const auto bytes = bytes_of(entry.shape);
  if (bytes < 0 || static_cast<std::uint64_t>(bytes) != entry.size)
    return refuse(shown + " has another size than its shape");
  if (entry.offset > data.size() || entry.size > data.size() - entry.offset)
    return refuse(shown + " is not in the file, which may be cut short");
  return Tensor{std::move(entry.shape), data.subspan(entry.offset, entry.size)};
}

Result<void> check_sum(const std::string& name, Bytes message, const Tensor& tensor) {
  Entry entry;
  if (!read_entry(message, entry) || masked_crc32c(tensor.bytes) != entry.checksum)
    return refuse(name.substr(0, 100) + " is damaged (its checksum differs)");
  return {};
}

// Variables that share their place would let a small file claim large ones, and reading them take for ever.
bool overlap(const Checkpoint& checkpoint) {
  std::vector<Bytes> places;
  for (const auto& [name, tensor] : checkpoint)
    if (!tensor.bytes.empty()) places.push_back(tensor.bytes);
  std::ranges::sort(places, {}, [](Bytes place) { return place.data(); });
  for (std::size_t i = 1; i < places.size(); ++i)
    if (places[i - 1].data() + places[i - 1].size() > places[i].data()) return true;
  return false;
}

}  // namespace

Result<Checkpoint> read_checkpoint(Bytes index, Bytes data) {
  if (index.size() > largest_index || data.size() > largest_data) return refuse("the checkpoint is too large");
  const auto entries = TOLL_TRY(read_table(index));
  const auto header = entries.find("");
  if (header == entries.end()) return refuse("the checkpoint has no header");
  if (auto fine = check_header(header->second); !fine) return std::move(fine).error();
  Checkpoint checkpoint;
  for (const auto& [name, message] : entries)
    if (!name.empty() && !is_of_training(name)) checkpoint.emplace(name, TOLL_TRY(tensor_of(name, message, data)));
  if (overlap(checkpoint)) return refuse("variables of the checkpoint overlap");
  for (const auto& [name, tensor] : checkpoint)
    if (auto fine = check_sum(name, entries.at(name), tensor); !fine) return std::move(fine).error();
  return checkpoint;
}

Result<std::vector<float>> to_floats(const std::string& name, const Tensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); }))
    return refuse("the weights of " + name + " are not all numbers");
  return values;
}

}  // namespace toll::engines::spleeter
