// Medians by a selection network: minima and maxima of whole rows, which the compiler turns into vector instructions.
#pragma once

#include <cstddef>
#include <stop_token>
#include <utility>
#include <vector>

#include "engines/separation/matrix.h"

namespace toll::engines::separation {

// Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M) for `width` inputs, without
// the comparators that the middle output does not need. Thread-safe after construction.
class MedianNetwork {
 public:
  explicit MedianNetwork(std::size_t width);  // >= 1; of an even width, the lower of the two middle values
  std::size_t width() const { return width_; }
  // out[i] = median of rows[0][i] .. rows[width-1][i].
  void operator()(const float* const* rows, std::size_t count, float* out) const;

 private:
  std::size_t width_;
  std::vector<std::pair<std::size_t, std::size_t>> comparators_;
};

// The median of `width` (odd) neighbours of each value along time or along frequency; beyond an edge the edge repeats.
Power median_along_time(const Power& in, std::size_t width, const std::stop_token& stop);
Power median_along_frequency(const Power& in, std::size_t width, const std::stop_token& stop);

}  // namespace toll::engines::separation
