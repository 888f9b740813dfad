#include "engines/onnx/element.h"

#include <algorithm>
#include <array>

namespace toll::engines::onnx {
namespace {

struct Pair {
  ElementType ours;
  ONNXTensorElementDataType theirs;
};
constexpr std::array pairs{Pair{ElementType::float32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
                           Pair{ElementType::float64, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE},
                           Pair{ElementType::float16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},
                           Pair{ElementType::bfloat16, ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16},
                           Pair{ElementType::int8, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8},
                           Pair{ElementType::int16, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16},
                           Pair{ElementType::int32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32},
                           Pair{ElementType::int64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
                           Pair{ElementType::uint8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},
                           Pair{ElementType::uint16, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16},
                           Pair{ElementType::uint32, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32},
                           Pair{ElementType::uint64, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64},
                           Pair{ElementType::boolean, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL}};

}  // namespace

std::optional<ElementType> from_ort(ONNXTensorElementDataType type) {
  auto found = std::find_if(pairs.begin(), pairs.end(), [&](const Pair& pair) { return pair.theirs == type; });
  if (found == pairs.end()) return std::nullopt;
  return found->ours;
}

ONNXTensorElementDataType to_ort(ElementType type) {
  return std::find_if(pairs.begin(), pairs.end(), [&](const Pair& pair) { return pair.ours == type; })->theirs;
}

}  // namespace toll::engines::onnx
