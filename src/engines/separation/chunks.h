// Separates audio of any length in constant memory: chunks on a fixed grid, each with context on both sides, faded
// into one another. Since the stems of every chunk sum to the mix, so do the faded ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"

namespace toll::engines::separation {

// In frames. The grid does not depend on the length of the audio; only the last chunk may be longer, by less than
// `context`.
struct ChunkGrid {
  std::size_t core = 1032 * 1024;    // 24 s
  std::size_t context = 130 * 1024;  // 3 s
  std::size_t fade = 44 * 1024;      // 1 s, around each border of two cores; less than context
};

// All interleaved stereo.
using ChunkSource = std::function<Result<std::size_t>(std::span<float> stereo)>;  // frames; fewer than fit = the end
using ChunkMethod =
    std::function<std::vector<std::vector<float>>(std::span<const float> stereo)>;  // stems, each as long
using ChunkSink =
    std::function<Result<void>(std::int64_t frame, const std::vector<std::vector<float>>& stems)>;  // in order

// Pulls everything from `source`, passes it through `method` and pushes the stems to `sink`. How many frames there
// were. Faults: those of source and sink; cancelled.
Result<std::int64_t> separate_in_chunks(const ChunkGrid& grid, const ChunkSource& source, const ChunkMethod& method,
                                        const ChunkSink& sink, const std::stop_token& stop);

}  // namespace toll::engines::separation
