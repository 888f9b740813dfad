// The safetensors format: the length of a JSON header, the header, the bytes of all tensors.
// https://github.com/huggingface/safetensors#format
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "base/result.h"
#include "engines/htdemucs/stored_tensor.h"

namespace toll::engines::htdemucs {

struct Safetensors {
  std::map<std::string, std::string> metadata;
  State state;  // views into the file
};

// Reason::model_unusable, argument why: a header that is cut short, larger than 16 MiB, no such JSON or names something
// twice; tensors that lie outside of the file, whose shape is not their number of bytes, that share bytes, or bytes
// that belong to none.
Result<Safetensors> read_safetensors(std::span<const std::byte> file);

}  // namespace toll::engines::htdemucs
