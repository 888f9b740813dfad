// Anything as an ONNX file: check_model() may refuse it, and must not read outside of it.
#include <cstddef>
#include <cstdint>

#include "engines/onnx/model_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)toll::engines::onnx::check_model(std::as_bytes(std::span(data, size))).has_value();
  return 0;
}
