// Whether tensors are what a model asks for.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "inference/tensor.h"

namespace toll::inference {

struct Bounds {
  std::uint64_t input_bytes = 0;  // of all inputs together
  std::size_t tensors = 0;        // inputs of the model and wanted outputs together
};

// Every problem at once, at most json's usual hundred: Fault invalid_request, the path of each problem being the name
// of the tensor. Names missing, unknown or given twice, types, ranks, extents, numbers of elements, too many bytes,
// outputs that the model does not have.
Result<void> check_call(const Schema& schema, const std::vector<Tensor>& inputs,
                        const std::vector<std::string>& outputs, const Bounds& bounds);

}  // namespace toll::inference
