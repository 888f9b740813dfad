// The networks of Spleeter as an ONNX graph, from a checkpoint: one U-Net a source (Jansson et al., "Singing Voice
// Separation with Deep U-Net Convolutional Networks", ISMIR 2017), with the layers of Hennequin et al., "Spleeter",
// JOSS 2020, for two sources: six convolutions down and six transposed ones up over time and frequency, each halving
// or doubling both, batch normalisation, leaky ReLU down and ReLU up.
//
// Input:  magnitude  1 x 2 x frames x bins   of the mixture's spectrogram (stft.h), left and right
// Output: one a source, named after it, of the same shape: the part of each magnitude that is the source's, 0 to 1
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engines/spleeter/checkpoint.h"

namespace toll::engines::spleeter {

// What a model file says about itself.
struct Shape {
  std::vector<std::string> sources{"vocals", "accompaniment"};
  std::int64_t frames = 512, bins = 1024;  // each a multiple of 64
};

struct NetworkOptions {
  Shape shape;
  std::string source_digest;  // SHA-256 of the weights, hex; goes into the metadata
};

inline constexpr std::string_view shape_key = "tollhouse.spleeter";
inline constexpr std::string_view source_digest_key = "tollhouse.source_sha256";

// What stands under shape_key. Reason::model_unusable, argument why: not what write_shape() wrote.
std::string write_shape(const Shape& shape);
Result<Shape> read_shape(std::string_view text);

// The names and shapes of all variables of a two-source checkpoint whose convolutions have these numbers of filters.
std::map<std::string, std::vector<std::int64_t>> variables_of(const std::vector<std::int64_t>& filters);

// Writes the file, from offset 0. Memory: the weights in single precision. Reason::model_unusable, argument why: a
// variable that is missing, has another shape, is not finite or belongs to no layer; networks of more or fewer sources;
// storage_full.
Result<void> write_network(const Checkpoint& checkpoint, const NetworkOptions& options, int fd);

}  // namespace toll::engines::spleeter
