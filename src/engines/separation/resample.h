// Decoded frames of any format -> interleaved stereo float at 44.1 kHz.
#pragma once

#include <vector>

#include "engines/av/av.h"

namespace toll::engines::separation {

class Resampler {
 public:
  // Appends what `frame` yields to `stereo`. The format may change from frame to frame. False when a frame cannot be
  // converted (a rate outside 100 Hz .. 1.6 MHz, more than 64 channels): it is left out.
  bool add(const AVFrame& frame, std::vector<float>& stereo);
  // Appends what the filter still holds.
  void flush(std::vector<float>& stereo);

 private:
  bool configure(const AVFrame& frame);
  bool convert(const std::uint8_t** planes, int frames, std::vector<float>& stereo);

  av::AvPtr<SwrContext> swr_;
  AVSampleFormat format_ = AV_SAMPLE_FMT_NONE;
  int rate_ = 0;
  int channels_ = 0;
  std::uint64_t layout_mask_ = 0;
  bool doubled_ = false;  // mono: one channel comes out of swr and is written twice
  std::vector<float> mono_;
};

}  // namespace toll::engines::separation
