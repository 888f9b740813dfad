#include "inference/tensor.h"

#include <algorithm>

namespace toll::inference {

std::optional<std::uint64_t> elements_of(std::span<const std::int64_t> shape) {
  std::uint64_t elements = 1;
  for (auto extent : shape)
    if (extent < 0 || __builtin_mul_overflow(elements, static_cast<std::uint64_t>(extent), &elements))
      return std::nullopt;
  return elements;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) out += (i ? "," : "") + std::to_string(shape[i]);
  return out + "]";
}

const TensorInfo* find_tensor(const std::vector<TensorInfo>& infos, std::string_view name) {
  const auto found = std::ranges::find(infos, name, &TensorInfo::name);
  return found == infos.end() ? nullptr : &*found;
}

}  // namespace toll::inference
