// Short-time Fourier transform and its inverse over FFTW, with square-root Hann windows on both sides: the inverse of
// an unchanged spectrum is the signal, to rounding (Griffin and Lim 1984; Allen and Rabiner 1977).
#pragma once

#include <fftw3.h>

#include <cstddef>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engines/separation/matrix.h"

namespace toll::engines::separation {

// Thread-safe after construction. The plan is estimated, not measured: the same input gives the same output on every
// run.
class Stft {
 public:
  // `size` is even; `hop` divides it at least four times over.
  Stft(std::size_t size, std::size_t hop);

  std::size_t size() const { return window_.size(); }
  std::size_t hop() const { return hop_; }
  std::size_t bins() const { return size() / 2 + 1; }
  // Frame k covers the samples from k * hop - (size - hop) on; what lies outside the signal is 0.
  std::size_t frames(std::size_t samples) const { return samples ? (samples - 1 + size() - hop_) / hop_ + 1 : 0; }

  // frames(signal.size()) rows of bins() values; not scaled. Incomplete after a stop request.
  Spectrum forward(std::span<const float> signal, const std::stop_token& stop) const;
  std::vector<float> inverse(const Spectrum& spectrum, std::size_t samples, const std::stop_token& stop) const;

 private:
  struct DestroyPlan {
    void operator()(fftwf_plan_s* plan) const;
  };
  using Plan = std::unique_ptr<fftwf_plan_s, DestroyPlan>;

  std::size_t hop_;
  std::vector<float> window_;
  float scale_;  // of the inverse
  Plan forward_, inverse_;
};

}  // namespace toll::engines::separation
