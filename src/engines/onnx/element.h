// Element types: ours, and ONNX Runtime's.
#pragma once

#include <optional>

#include "engines/onnx/ort.h"
#include "engines/onnx/session.h"

namespace toll::engines::onnx {

std::optional<ElementType> from_ort(ONNXTensorElementDataType type);
ONNXTensorElementDataType to_ort(ElementType type);

}  // namespace toll::engines::onnx
