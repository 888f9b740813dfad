// A whole song through a model, as the reference goes over it: stretches of 512 frames, each on its own; the sources'
// magnitudes to the power of two say how the mixture's spectrum is divided. Memory does not depend on the length.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "engines/spleeter/model.h"

namespace toll::engines::spleeter {

struct SeparatorOptions {
  // The network sees the spectrum up to 11 kHz (bin 1024 of 2049). What lies above is divided as the frame is on
  // average, so that the stems add up to the mixture ("average"), or left out ("zeros", which the published
  // configuration says). Spleeter's names.
  enum class Extension { average, zeros } extension = Extension::average;
};

// The next frames of the song, interleaved stereo at 44.1 kHz; how many, fewer than there is room for only at its end.
using SongReader = std::function<Result<std::size_t>(std::span<float> stereo)>;
// Stems in the order of the model's sources, each interleaved stereo and equally long, one call after the other from
// frame 0 on.
using StemSink = std::function<Result<void>(std::int64_t first, const std::vector<std::vector<float>>& stems)>;

// How many frames there were. Faults: those of reader, sink and model; cancelled.
Result<std::int64_t> separate_song(Model& model, const SeparatorOptions& options, const SongReader& read,
                                   const StemSink& sink, const std::stop_token& stop);

}  // namespace toll::engines::spleeter
