// The protocol's names of element types.
#pragma once

#include <optional>
#include <string_view>

#include "inference/tensor.h"

namespace toll::open_inference {

using inference::ElementType;

inline constexpr std::string_view all_datatypes =
    "BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, FP32, FP64 or BF16";

std::string_view datatype_of(ElementType type);                      // "FP32"
std::optional<ElementType> type_of_datatype(std::string_view name);  // nullopt: unknown, or BYTES

}  // namespace toll::open_inference
