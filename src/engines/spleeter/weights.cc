#include "engines/spleeter/weights.h"

#include "engines/onnx/refuse.h"

namespace toll::engines::spleeter {

std::vector<float> Weights::take(const std::string& name, const std::vector<std::int64_t>& shape) {
  const auto found = checkpoint_.find(name);
  asked_[name] = shape;
  if (!fault_ && found == checkpoint_.end()) fault_ = onnx::refuse("the weights of " + name + " are missing");
  if (!fault_ && found->second.shape != shape) fault_ = onnx::refuse("the weights of " + name + " have another shape");
  if (!fault_) {
    auto values = to_floats(name, found->second);
    if (values) return *std::move(values);
    fault_ = std::move(values).error();
  }
  std::size_t count = 1;
  for (auto extent : shape) count *= static_cast<std::size_t>(extent);
  return std::vector<float>(count);
}

Result<void> Weights::verdict() const {
  if (fault_) return *fault_;
  for (const auto& [name, tensor] : checkpoint_)
    if (!asked_.contains(name)) return onnx::refuse("the weights of " + name.substr(0, 100) + " belong to no layer");
  return {};
}

}  // namespace toll::engines::spleeter
