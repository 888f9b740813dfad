// Tensors out of JSON and back.
#pragma once

#include <string>

#include "base/result.h"
#include "inference/tensor.h"
#include "json/parse.h"

namespace toll::workflows::steps {

// A number, a truth value, lists of them as deep as the tensor has axes, or {"shape", "data"} with a flat or nested
// list, as a tensor of this name and type. Faults: invalid_request with one problem.
Result<inference::Tensor> tensor_of(const json::Value& value, const std::string& name, inference::ElementType type);

// {"shape", "dtype", "data"}, data flat; what is no number in JSON (NaN, infinities) is null.
json::Object tensor_json(const inference::Tensor& tensor);

}  // namespace toll::workflows::steps
