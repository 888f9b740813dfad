// The spectrogram of one segment and its inverse, as the reference pads, windows, scales and trims them: periodic Hann
// window, hop of a quarter, frame t centred so that it covers the samples from t * hop - 3/8 * nfft on, reflection at
// both ends, 1/sqrt(nfft) both ways, without the highest frequency.
#pragma once

#include <fftw3.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace toll::engines::htdemucs {

// Thread-safe after construction.
class SegmentStft {
 public:
  // `samples` > 2 * nfft.
  SegmentStft(int nfft, std::int64_t samples);

  std::size_t samples() const { return samples_; }
  std::size_t bins() const { return size_ / 2; }
  std::size_t frames() const { return frames_; }
  std::size_t plane() const { return bins() * frames(); }  // values of one channel's real (or imaginary) part

  // samples() values -> 2 * plane(): the real part, then the imaginary part, each bins x frames.
  void forward(std::span<const float> signal, std::span<float> spectrum) const;
  // `scale * value + offset` of each value is transformed back, and added to the signal.
  void add_inverse(std::span<const float> spectrum, float scale, float offset, std::span<float> signal) const;

 private:
  struct DestroyPlan {
    void operator()(fftwf_plan_s* plan) const;
  };
  using Plan = std::unique_ptr<fftwf_plan_s, DestroyPlan>;

  std::size_t size_, hop_, samples_, frames_;
  std::vector<float> window_;
  Plan forward_, inverse_;
};

}  // namespace toll::engines::htdemucs
