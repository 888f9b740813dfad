// REPET-SIM: what repeats, found by comparing each moment with the moments most like it (Rafii and Pardo, "Music/voice
// separation using the similarity matrix", ISMIR 2012).
#pragma once

#include <cstddef>
#include <stop_token>

#include "engines/separation/matrix.h"

namespace toll::engines::separation {

struct RepetitionOptions {
  std::size_t bands = 96;       // the similarity is of log-spaced bands, not of all bins
  std::size_t neighbours = 25;  // most similar frames whose median is the background
  std::size_t distance = 40;    // least distance between two of them, in frames
};

// The repeating background of a magnitude spectrogram: for each bin the median over the similar frames, never above the
// magnitude itself. Time and memory grow with the square of the frames: give it tens of seconds, not hours.
Power repeating_background(const Power& magnitude, const RepetitionOptions& options, const std::stop_token& stop);

}  // namespace toll::engines::separation
