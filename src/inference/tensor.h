// Tensors on their way into a model and out of it, owned.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engines/onnx/session.h"

namespace toll::inference {

using engines::onnx::ElementType;
using engines::onnx::Schema;
using engines::onnx::TensorInfo;

struct Tensor {
  std::string name;
  ElementType type = ElementType::float32;
  std::vector<std::int64_t> shape;
  std::string bytes;  // row-major, little-endian, without gaps
};

// The product of the extents (1 of no extents); nullopt when one is negative or the product does not fit.
std::optional<std::uint64_t> elements_of(std::span<const std::int64_t> shape);
// "[8,3,-1]"
std::string shape_text(std::span<const std::int64_t> shape);

const TensorInfo* find_tensor(const std::vector<TensorInfo>& infos, std::string_view name);

}  // namespace toll::inference
