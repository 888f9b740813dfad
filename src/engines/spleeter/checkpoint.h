// TensorFlow checkpoints of version 2: a table that says where each variable lies, and a file with their values
// (tensorflow/core/protobuf/tensor_bundle.proto). Only what Spleeter's hold is accepted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace toll::engines::spleeter {

struct Tensor {
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;  // single precision, little endian, the last index fastest
};
using Checkpoint = std::map<std::string, Tensor>;

inline constexpr std::size_t largest_index = 1 << 20, largest_data = std::size_t{512} << 20;  // bytes

// The variables, as views into `data`, which must outlive them; training's own (the step, moments of Adam) are left
// out. Reason::model_unusable, argument why: what read_table() says; several data files, big-endian or sliced
// variables, other types than single precision, a size that is not the shape's, two variables in one place, values that
// are not in the file or whose checksum differs.
Result<Checkpoint> read_checkpoint(std::span<const std::byte> index, std::span<const std::byte> data);

// All values of a tensor that read_checkpoint() gave. Reason::model_unusable when one is not finite, as `name` says.
Result<std::vector<float>> to_floats(const std::string& name, const Tensor& tensor);

}  // namespace toll::engines::spleeter
