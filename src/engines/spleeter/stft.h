// The spectrogram as Spleeter takes it: 4096 samples a frame, a frame every 1024, periodic Hann window both ways, no
// scale forward; four squared windows sum to 3/2, which the way back takes out.
#pragma once

#include <fftw3.h>

#include <array>
#include <complex>
#include <cstddef>
#include <memory>
#include <span>

namespace toll::engines::spleeter {

// Not thread-safe: it has one buffer.
class Stft {
 public:
  static constexpr std::size_t size = 4096, hop = 1024, bins = size / 2 + 1;
  using Value = std::complex<float>;

  Stft();

  // `signal`: `size` values; `spectrum`: `bins`.
  void forward(std::span<const float> signal, std::span<Value> spectrum);
  // Adds the frame of this spectrum to `signal`.
  void add_inverse(std::span<const Value> spectrum, std::span<float> signal);

 private:
  struct DestroyPlan {
    void operator()(fftwf_plan_s* plan) const;
  };
  struct Free {
    void operator()(void* p) const { fftwf_free(p); }
  };
  using Plan = std::unique_ptr<fftwf_plan_s, DestroyPlan>;

  std::array<float, size> window_;
  std::unique_ptr<float[], Free> samples_;
  std::unique_ptr<Value[], Free> values_;
  Plan forward_, inverse_;
};

}  // namespace toll::engines::spleeter
