// A tensor as a checkpoint stores it: a view into the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace toll::engines::htdemucs {

struct StoredTensor {
  enum class Type { float16, bfloat16, float32, float64, int64 };
  Type type = Type::float32;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  // in elements
  std::span<const std::byte> bytes;   // from the tensor's first element to the end of its storage
};
using State = std::map<std::string, StoredTensor>;

std::size_t size_of(StoredTensor::Type type);
// -1 when the product is beyond 2^40 or an extent is negative.
std::int64_t element_count(const std::vector<std::int64_t>& shape);
// The strides of a tensor whose elements lie one after the other, the last index fastest.
std::vector<std::int64_t> dense_strides(const std::vector<std::int64_t>& shape);
// Whether every element lies within the bytes.
bool lies_within_bytes(const StoredTensor& tensor);

// All elements in the order of their indices. Reason::model_unusable, argument why, when one is not finite (as `name`
// says), or the tensor does not lie within its bytes.
Result<std::vector<float>> to_floats(const std::string& name, const StoredTensor& tensor);

}  // namespace toll::engines::htdemucs
