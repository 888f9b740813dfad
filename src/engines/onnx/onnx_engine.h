// The contract of the engine "onnx": any ONNX model of tensors, run on files of raw little-endian elements.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engines/onnx/session.h"

namespace toll::engines::onnx {

// As params:
//   {"action":"run","sha256":"<64
//   hex>","threads":0,"memory_mib":1536,"batch":0,"spin":true,"shapes":{"image":[8,3,224,224]}}
// Files: input "model"; for a run also "input.<name>" for every input of the model, and outputs "output.<name>" for the
// outputs that are wanted, at least one. A missing descriptor of "model" is a bug of the caller
// (std::invalid_argument).
inline constexpr std::uint64_t most_memory_mib = 65536;

struct Request {
  enum class Action { describe, run } action = Action::run;
  std::string sha256;               // of the model file; it is verified before anything reads it. Empty: not verified
  unsigned threads = 0;             // 0: the cores, at most 8
  std::uint64_t memory_mib = 1536;  // of the model: weights and what a run needs. 64..most_memory_mib
  std::int64_t batch = 0;           // > 0: at most so many rows of the first axis go through at once
  bool spin = true;                 // threads wait for the next operator actively
  std::map<std::string, std::vector<std::int64_t>> shapes;  // of inputs whose model leaves extents open
};
Result<Request> parse_request(std::string_view params);  // invalid_request
std::string write_request(const Request& request);

// The answer of "describe":
//   {"inputs":[{"name":"x","type":"float32","shape":[-1,3]}],"outputs":[...],"metadata":{"key":"value"}}
// The answer of "run": the outputs that were written.
//   {"outputs":[{"name":"y","type":"float32","shape":[8,1000]}],"sha256":"...","peak_mib":120}
std::string write_schema(const Schema& schema);
Result<Schema> parse_schema(std::string_view answer);                    // internal when the text is no such answer
Result<std::vector<TensorInfo>> parse_outputs(std::string_view answer);  // of "run"; the same

// Engine "onnx". Faults: model_unusable (argument why) for a file that is refused or cannot be run, cancelled,
// invalid_request (params, input files that do not fit), storage_full. The last model stays loaded while its digest is
// asked for again.
std::unique_ptr<engine::Engine> make_onnx_engine();

}  // namespace toll::engines::onnx
