#include "engines/htdemucs/stored_tensor.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "engines/onnx/refuse.h"

namespace toll::engines::htdemucs {
namespace {

using Type = StoredTensor::Type;

constexpr std::int64_t most_elements = 1ll << 40;

// IEEE 754 binary16.
float from_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t exponent = half >> 10 & 31, fraction = half & 0x3ff;
  if (exponent == 0) {
    const float small = std::ldexp(static_cast<float>(fraction), -24);
    return sign ? -small : small;
  }
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | fraction << 13);
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

float element(const StoredTensor& tensor, std::int64_t index) {
  const auto* at = tensor.bytes.data() + static_cast<std::size_t>(index) * size_of(tensor.type);
  switch (tensor.type) {
    case Type::float16:
      return from_half(load<std::uint16_t>(at));
    case Type::bfloat16:
      return std::bit_cast<float>(static_cast<std::uint32_t>(load<std::uint16_t>(at)) << 16);
    case Type::float32:
      return load<float>(at);
    case Type::float64:
      return static_cast<float>(load<double>(at));
    case Type::int64:
      return static_cast<float>(load<std::int64_t>(at));
  }
  return 0;
}

}  // namespace

std::size_t size_of(Type type) {
  switch (type) {
    case Type::float16:
    case Type::bfloat16:
      return 2;
    case Type::float32:
      return 4;
    case Type::float64:
    case Type::int64:
      return 8;
  }
  return 8;
}

std::int64_t element_count(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (auto extent : shape) {
    if (extent < 0 || extent > most_elements || (extent && count > most_elements / extent)) return -1;
    count *= extent;
  }
  return count;
}

std::vector<std::int64_t> dense_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0; stride *= shape[i]) strides[i] = stride;
  return strides;
}

bool lies_within_bytes(const StoredTensor& tensor) {
  const auto count = element_count(tensor.shape);
  if (count < 0 || tensor.strides.size() != tensor.shape.size()) return false;
  if (count == 0) return true;
  const auto held = static_cast<std::int64_t>(tensor.bytes.size() / size_of(tensor.type));
  std::int64_t last = 0;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    std::int64_t reach = 0;
    if (tensor.strides[i] < 0 || __builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last))
      return false;
  }
  // Elements that share their place would let a small file claim a large tensor.
  return last < held && count <= held;
}

Result<std::vector<float>> to_floats(const std::string& name, const StoredTensor& tensor) {
  if (!lies_within_bytes(tensor)) return onnx::refuse("the weights of " + name + " are not in the file");
  const auto count = element_count(tensor.shape);
  std::vector<float> values(static_cast<std::size_t>(count));
  std::vector<std::int64_t> index(tensor.shape.size());
  std::int64_t at = 0;
  for (auto& value : values) {
    value = element(tensor, at);
    if (!std::isfinite(value)) return onnx::refuse("the weights of " + name + " are not all numbers");
    for (std::size_t i = index.size(); i-- > 0;) {
      at += tensor.strides[i];
      if (++index[i] < tensor.shape[i]) break;
      at -= tensor.strides[i] * tensor.shape[i];
      index[i] = 0;
    }
  }
  return values;
}

}  // namespace toll::engines::htdemucs
