// How the segments of a pass over a song are faded into one another: each is weighted by a triangle, and a frame that
// several of them cover is their weighted mean (package demucs 4.1, apply_model).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace toll::engines::htdemucs {

class Overlap {
 public:
  // `segment` in frames, `overlap` from 0 to 0.9: the share of it that the next one covers too.
  Overlap(std::size_t segment, double overlap);

  std::int64_t stride() const { return stride_; }
  // How much each frame of the segment that begins at `first`, a multiple of the stride, counts. Over all segments of a
  // pass the shares of a frame sum to 1, so that nothing has to be kept and divided later. Good until the next call.
  std::span<const float> shares(std::int64_t first);

 private:
  std::int64_t stride_;
  std::vector<float> triangle_;
  std::vector<float> totals_;  // of the weights on the first frames of a pass; the last stride of them repeats for ever
  std::vector<float> shares_;
};

}  // namespace toll::engines::htdemucs
