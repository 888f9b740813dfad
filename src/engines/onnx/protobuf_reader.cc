#include "engines/onnx/protobuf_reader.h"

#include <cstring>

namespace toll::engines::onnx {

std::optional<std::uint64_t> ProtobufReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_ = rest_.subspan(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<ProtobufField> ProtobufReader::fail() {
  malformed_ = true;
  rest_ = {};
  return std::nullopt;
}

std::optional<ProtobufField> ProtobufReader::next() {
  if (rest_.empty()) return std::nullopt;
  const auto key = varint();
  if (!key || *key >> 3 == 0 || *key >> 3 > 0x1fffffff) return fail();
  ProtobufField field{.number = static_cast<std::uint32_t>(*key >> 3)};
  const auto fixed = [&](std::size_t bytes, ProtobufField::Wire wire) -> std::optional<ProtobufField> {
    if (rest_.size() < bytes) return fail();
    std::memcpy(&field.value, rest_.data(), bytes);
    rest_ = rest_.subspan(bytes);
    field.wire = wire;
    return field;
  };
  switch (*key & 7) {
    case 0: {
      const auto value = varint();
      if (!value) return fail();
      field.value = *value;
      return field;
    }
    case 1:
      return fixed(8, ProtobufField::Wire::fixed64);
    case 2: {
      const auto size = varint();
      if (!size || *size > rest_.size()) return fail();
      field.wire = ProtobufField::Wire::bytes;
      field.payload = rest_.first(*size);
      rest_ = rest_.subspan(*size);
      return field;
    }
    case 5:
      return fixed(4, ProtobufField::Wire::fixed32);
    default:
      return fail();
  }
}

}  // namespace toll::engines::onnx
