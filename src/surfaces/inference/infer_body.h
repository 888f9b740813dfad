// The body of a call: JSON, and behind it the bytes of tensors where the binary tensor data extension is used.
//
//   {"id":"7","inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}],
//    "outputs":[{"name":"y","parameters":{"binary_data":true}}],"parameters":{"binary_data_output":false}}
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "inference/inference.h"

namespace toll::open_inference {

struct WantedOutput {
  std::string name;
  bool binary = false;
};

struct InferRequest {
  std::string id;
  std::vector<inference::Tensor> inputs;
  std::vector<WantedOutput> outputs;  // empty: all
  bool binary_output = false;         // of outputs that say nothing else
};

// `json_bytes`: the length of the JSON part (Inference-Header-Content-Length); nullopt: the whole body. Memory is
// bounded by a small multiple of the body. Faults: malformed_json, invalid_request with every problem.
Result<InferRequest> read_infer(std::string_view body, std::optional<std::uint64_t> json_bytes);

struct InferResponse {
  std::string body;
  std::optional<std::size_t> json_bytes;  // binary tensors stand behind so many bytes of JSON
};
// `binary`: one for each output. With id and model as the request named them.
InferResponse write_infer(const inference::Answer& answer, std::string_view id, const std::vector<bool>& binary);

}  // namespace toll::open_inference
