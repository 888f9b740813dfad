#include "surfaces/inference/wire.h"

#include "surfaces/inference/datatypes.h"

namespace toll::open_inference {

std::vector<TensorView> view(const std::vector<inference::TensorInfo>& tensors) {
  std::vector<TensorView> out;
  for (const auto& one : tensors) out.push_back({one.name, std::string(datatype_of(one.type)), one.shape});
  return out;
}

}  // namespace toll::open_inference
