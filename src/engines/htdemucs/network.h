// The network of HTDemucs as an ONNX graph, from its weights: what lies between the spectrogram and its inverse
// (Rouard, Massa and Defossez 2023, over Defossez, "Hybrid Spectrogram and Waveform Source Separation", 2021).
//
// Inputs, normalised by the caller to mean 0 and deviation 1 each:
//   spectrum  1 x 2*channels x nfft/2 x frames   real and imaginary part of each audio channel
//   wave      1 x channels x segment
// Outputs, not yet scaled back:
//   spectra   1 x sources*2*channels x nfft/2 x frames
//   waves     1 x sources*channels x segment
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engines/htdemucs/checkpoint.h"

namespace toll::engines::htdemucs {

struct NetworkOptions {
  // Adds the results of the layers to the outputs, under the reference's module names ("encoder.0", "tdecoder.3", ...):
  // for the tests that compare them.
  bool expose_layers = false;
  // Only operators of ONNX and ONNX Runtime, not those of operators.h: for other programs, and to compare with. Slower.
  bool portable = false;
  std::string source_digest;  // SHA-256 of the checkpoint, hex; goes into the metadata
};

// The names and shapes of all weights that a network has.
std::map<std::string, std::vector<std::int64_t>> weights_of(const Hyperparameters& hyper);

inline constexpr std::string_view hyperparameters_key = "tollhouse.htdemucs";
inline constexpr std::string_view source_digest_key = "tollhouse.source_sha256";

// Writes the file, from offset 0. Memory: the weights in single precision. Reason::model_unusable, argument why: a
// weight that is missing, has another shape, is not finite, or belongs to no layer; storage_full.
Result<void> write_network(const Checkpoint& checkpoint, const NetworkOptions& options, int fd);

}  // namespace toll::engines::htdemucs
