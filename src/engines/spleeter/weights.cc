#include "engines/spleeter/weights.h"

#include "engines/onnx/refuse.h"

namespace toll::engines::spleeter {

std::vector<float> Weights::take(const std::string& name, const std::vector<std::int64_t>& shape) {
  asked_[name] = shape;
  if (!checkpoint_) {
    std::size_t count = 1;
    for (auto extent : shape) count *= static_cast<std::size_t>(extent);
    return std::vector<float>(count);
  }
  const auto found = checkpoint_->find(name);
  if (found == checkpoint_->end()) throw WeightsRefused{onnx::refuse("the weights of " + name + " are missing")};
  if (found->second.shape != shape)
    throw WeightsRefused{onnx::refuse("the weights of " + name + " have another shape")};
  auto values = to_floats(name, found->second);
  if (!values) throw WeightsRefused{std::move(values).error()};
  return *std::move(values);
}

Result<void> Weights::verdict() const {
  for (const auto& [name, tensor] : *checkpoint_)
    if (!asked_.contains(name)) return onnx::refuse("the weights of " + name.substr(0, 100) + " belong to no layer");
  return {};
}

}  // namespace toll::engines::spleeter
