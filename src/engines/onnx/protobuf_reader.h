// Protobuf's wire format, field by field, over memory: https://protobuf.dev/programming-guides/encoding/
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace toll::engines::onnx {

struct ProtobufField {
  std::uint32_t number = 0;
  enum class Wire { varint, fixed64, bytes, fixed32 } wire = Wire::varint;
  std::uint64_t value = 0;             // of varint and fixed
  std::span<const std::byte> payload;  // of bytes
};

class ProtobufReader {
 public:
  explicit ProtobufReader(std::span<const std::byte> message) : rest_(message) {}
  // The next field; nothing at the end or at the first byte that makes no sense (then malformed() is true).
  std::optional<ProtobufField> next();
  bool malformed() const { return malformed_; }

 private:
  std::optional<std::uint64_t> varint();
  std::optional<ProtobufField> fail();

  std::span<const std::byte> rest_;
  bool malformed_ = false;
};

}  // namespace toll::engines::onnx
