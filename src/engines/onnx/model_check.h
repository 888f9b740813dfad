// What an ONNX file claims, read before the runtime sees it: protobuf that ends where it says, weights that are in the
// file, sizes that can be true.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"

namespace toll::engines::onnx {

// Reason::model_unusable, argument why, when the bytes are no ONNX model, a tensor claims more elements than it has
// bytes, tensors lie in other files, graphs are nested too deep, or there are too many nodes. Never reads outside.
Result<void> check_model(std::span<const std::byte> model);

}  // namespace toll::engines::onnx
