#include "engines/spleeter/stft.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numbers>

namespace toll::engines::spleeter {
namespace {

// FFTW's planner has global state; only execution is thread-safe.
std::mutex planner;

fftwf_complex* raw(std::complex<float>* values) {
  return reinterpret_cast<fftwf_complex*>(values);
}

}  // namespace

void Stft::DestroyPlan::operator()(fftwf_plan_s* plan) const {
  std::lock_guard lock(planner);
  fftwf_destroy_plan(plan);
}

Stft::Stft() : samples_(fftwf_alloc_real(size)), values_(reinterpret_cast<Value*>(fftwf_alloc_complex(bins))) {
  for (std::size_t i = 0; i < size; ++i)
    window_[i] = static_cast<float>(
        0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(size)));
  std::lock_guard lock(planner);
  forward_.reset(fftwf_plan_dft_r2c_1d(size, samples_.get(), raw(values_.get()), FFTW_ESTIMATE));
  inverse_.reset(fftwf_plan_dft_c2r_1d(size, raw(values_.get()), samples_.get(), FFTW_ESTIMATE));
}

void Stft::forward(std::span<const float> signal, std::span<Value> spectrum) {
  for (std::size_t i = 0; i < size; ++i) samples_[i] = signal[i] * window_[i];
  fftwf_execute(forward_.get());
  std::copy_n(values_.get(), bins, spectrum.begin());
}

void Stft::add_inverse(std::span<const Value> spectrum, std::span<float> signal) {
  std::copy_n(spectrum.begin(), bins, values_.get());
  fftwf_execute(inverse_.get());
  constexpr float gain = 1 / (1.5f * static_cast<float>(size));
  for (std::size_t i = 0; i < size; ++i) signal[i] += samples_[i] * window_[i] * gain;
}

}  // namespace toll::engines::spleeter
