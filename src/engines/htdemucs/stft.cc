#include "engines/htdemucs/stft.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <mutex>
#include <numbers>

namespace toll::engines::htdemucs {
namespace {

constexpr std::size_t batch = 16;  // frames between spectra and their transposed place: a cache line of each row

struct Free {
  void operator()(void* p) const { fftwf_free(p); }
};
template <class T>
using Buffer = std::unique_ptr<T[], Free>;

Buffer<float> reals(std::size_t count) {
  return Buffer<float>(fftwf_alloc_real(count));
}
Buffer<std::complex<float>> complexes(std::size_t count) {
  return Buffer<std::complex<float>>(reinterpret_cast<std::complex<float>*>(fftwf_alloc_complex(count)));
}
fftwf_complex* raw(std::complex<float>* values) {
  return reinterpret_cast<fftwf_complex*>(values);
}

// FFTW's planner has global state; only execution is thread-safe.
std::mutex planner;

// The index of the sample that stands at `at` when the signal is reflected at its ends (without doubling them).
std::size_t reflected(std::int64_t at, std::size_t samples) {
  const auto last = static_cast<std::int64_t>(samples) - 1;
  if (at < 0) at = -at;
  if (at > last) at = 2 * last - at;
  return static_cast<std::size_t>(at);
}

}  // namespace

void SegmentStft::DestroyPlan::operator()(fftwf_plan_s* plan) const {
  std::lock_guard lock(planner);
  fftwf_destroy_plan(plan);
}

SegmentStft::SegmentStft(int nfft, std::int64_t samples)
    : size_(static_cast<std::size_t>(nfft)),
      hop_(size_ / 4),
      samples_(static_cast<std::size_t>(samples)),
      frames_((samples_ + hop_ - 1) / hop_),
      window_(size_) {
  for (std::size_t i = 0; i < size_; ++i)
    window_[i] = static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / nfft));
  auto signal = reals(size_);
  auto spectrum = complexes(size_ / 2 + 1);
  std::lock_guard lock(planner);
  forward_.reset(fftwf_plan_dft_r2c_1d(nfft, signal.get(), raw(spectrum.get()), FFTW_ESTIMATE));
  inverse_.reset(fftwf_plan_dft_c2r_1d(nfft, raw(spectrum.get()), signal.get(), FFTW_ESTIMATE));
}

void SegmentStft::forward(std::span<const float> signal, std::span<float> spectrum) const {
  const std::size_t row = bins() + 8;  // of nfft / 2 + 1 values, aligned as the plans expect
  auto windowed = reals(size_);
  auto spectra = complexes(batch * row);
  const float scale = 1 / std::sqrt(static_cast<float>(size_));
  const auto before = static_cast<std::int64_t>(hop_ / 2 * 3);
  for (std::size_t first = 0; first < frames_; first += batch) {
    const std::size_t count = std::min(batch, frames_ - first);
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t start = static_cast<std::int64_t>((first + i) * hop_) - before;
      if (start >= 0 && start + static_cast<std::int64_t>(size_) <= static_cast<std::int64_t>(samples_)) {
        for (std::size_t n = 0; n < size_; ++n) windowed[n] = signal[static_cast<std::size_t>(start) + n] * window_[n];
      } else {
        for (std::size_t n = 0; n < size_; ++n)
          windowed[n] = signal[reflected(start + static_cast<std::int64_t>(n), samples_)] * window_[n];
      }
      fftwf_execute_dft_r2c(forward_.get(), windowed.get(), raw(spectra.get() + i * row));
    }
    for (std::size_t f = 0; f < bins(); ++f)
      for (std::size_t i = 0; i < count; ++i) {
        const auto value = spectra[i * row + f] * scale;
        spectrum[f * frames_ + first + i] = value.real();
        spectrum[plane() + f * frames_ + first + i] = value.imag();
      }
  }
}

void SegmentStft::add_inverse(std::span<const float> spectrum, float scale, float offset,
                              std::span<float> signal) const {
  const std::size_t row = bins() + 8;  // of nfft / 2 + 1 values, aligned as the plans expect
  auto samples = reals(size_);
  auto spectra = complexes(batch * row);
  // sqrt(nfft) / nfft, and four squared windows sum to 3/2 everywhere.
  const float gain = 1 / std::sqrt(static_cast<float>(size_)) / 1.5f;
  const auto before = static_cast<std::int64_t>(hop_ / 2 * 3), all = static_cast<std::int64_t>(samples_);
  for (std::size_t first = 0; first < frames_; first += batch) {
    const std::size_t count = std::min(batch, frames_ - first);
    for (std::size_t f = 0; f < bins(); ++f)
      for (std::size_t i = 0; i < count; ++i)
        spectra[i * row + f] = {spectrum[f * frames_ + first + i] * scale + offset,
                                spectrum[plane() + f * frames_ + first + i] * scale + offset};
    for (std::size_t i = 0; i < count; ++i) {
      spectra[i * row + bins()] = 0;
      fftwf_execute_dft_c2r(inverse_.get(), raw(spectra.get() + i * row), samples.get());
      const std::int64_t start = static_cast<std::int64_t>((first + i) * hop_) - before;
      const auto begin = std::max<std::int64_t>(0, -start);
      const auto end = std::min<std::int64_t>(static_cast<std::int64_t>(size_), all - start);
      for (std::int64_t n = begin; n < end; ++n)
        signal[static_cast<std::size_t>(start + n)] +=
            samples[static_cast<std::size_t>(n)] * window_[static_cast<std::size_t>(n)] * gain;
    }
  }
}

}  // namespace toll::engines::htdemucs
