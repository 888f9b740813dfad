// Anything as the body of a call, the first byte saying how much of it is JSON: it is refused, or its tensors hold whole
// elements and can be written again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "surfaces/inference/infer_body.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace toll;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  std::optional<std::uint64_t> json_bytes;
  if (data[0] != 0) json_bytes = body.size() * data[0] / 255;
  auto request = open_inference::read_infer(body, json_bytes);
  if (!request) return 0;
  inference::Answer answer;
  std::vector<bool> binary;
  for (auto& input : request->inputs) {
    if (input.bytes.size() % engines::onnx::size_of(input.type) != 0) std::abort();
    binary.push_back(binary.size() % 2 == 0);
    answer.outputs.push_back(std::move(input));
  }
  if (open_inference::write_infer(answer, request->id, binary).body.empty()) std::abort();
  return 0;
}
