#include "engines/separation/stft.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <new>
#include <numbers>

#include "engines/separation/parallel.h"

namespace toll::engines::separation {
namespace {

// FFTW's planner has global state; only execution is thread-safe.
std::mutex planner;

// Buffers of one thread, aligned as the plans expect.
struct Workspace {
  explicit Workspace(std::size_t size) : time(fftwf_alloc_real(size)), spectrum(fftwf_alloc_complex(size / 2 + 1)) {
    if (!time || !spectrum) throw std::bad_alloc();
  }
  struct Free {
    void operator()(void* p) const { fftwf_free(p); }
  };
  std::unique_ptr<float, Free> time;
  std::unique_ptr<fftwf_complex, Free> spectrum;
  std::complex<float>* bins() { return reinterpret_cast<std::complex<float>*>(spectrum.get()); }
};

constexpr std::size_t frames_a_slice = 16;
constexpr std::size_t hops_a_slice =
    64;  // each slice of the inverse computes size/hop - 1 frames that its neighbour also needs

}  // namespace

void Stft::DestroyPlan::operator()(fftwf_plan_s* plan) const {
  std::lock_guard lock(planner);
  fftwf_destroy_plan(plan);
}

Stft::Stft(std::size_t size, std::size_t hop) : hop_(hop), window_(size) {
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const double hann = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(size));
    window_[i] = static_cast<float>(std::sqrt(hann));
    sum += hann;
  }
  scale_ = static_cast<float>(static_cast<double>(hop) / (sum * static_cast<double>(size)));
  Workspace w(size);
  std::lock_guard lock(planner);
  const int n = static_cast<int>(size);
  forward_.reset(fftwf_plan_dft_r2c_1d(n, w.time.get(), w.spectrum.get(), FFTW_ESTIMATE | FFTW_DESTROY_INPUT));
  inverse_.reset(fftwf_plan_dft_c2r_1d(n, w.spectrum.get(), w.time.get(), FFTW_ESTIMATE | FFTW_DESTROY_INPUT));
  if (!forward_ || !inverse_) throw std::bad_alloc();
}

Spectrum Stft::forward(std::span<const float> signal, const std::stop_token& stop) const {
  Spectrum out(frames(signal.size()), bins());
  const auto samples = static_cast<std::ptrdiff_t>(signal.size()), lead = static_cast<std::ptrdiff_t>(size() - hop_);
  parallel_for(out.rows(), frames_a_slice, stop, [&](std::size_t begin, std::size_t end) {
    Workspace w(size());
    for (std::size_t k = begin; k < end; ++k) {
      const auto start = static_cast<std::ptrdiff_t>(k * hop_) - lead;
      for (std::ptrdiff_t i = 0; i < static_cast<std::ptrdiff_t>(size()); ++i) {
        const auto at = start + i;
        w.time.get()[i] =
            at >= 0 && at < samples ? signal[static_cast<std::size_t>(at)] * window_[static_cast<std::size_t>(i)] : 0;
      }
      fftwf_execute_dft_r2c(forward_.get(), w.time.get(), w.spectrum.get());
      std::copy_n(w.bins(), bins(), out.row(k));
    }
  });
  return out;
}

std::vector<float> Stft::inverse(const Spectrum& spectrum, std::size_t samples, const std::stop_token& stop) const {
  std::vector<float> out(samples);
  const std::size_t overlap = size() / hop_ - 1;  // frames before and with a hop that reach into it, less one
  const std::size_t hops = (samples + hop_ - 1) / hop_;
  parallel_for(hops, hops_a_slice, stop, [&](std::size_t begin, std::size_t end) {
    Workspace w(size());
    const std::size_t first = begin * hop_, last = std::min(end * hop_, samples);
    for (std::size_t k = begin; k < std::min(end + overlap, spectrum.rows()); ++k) {
      std::copy_n(spectrum.row(k), bins(), w.bins());
      fftwf_execute_dft_c2r(inverse_.get(), w.spectrum.get(), w.time.get());
      const auto start = static_cast<std::ptrdiff_t>(k * hop_) - static_cast<std::ptrdiff_t>(size() - hop_);
      const auto from = std::max(start, static_cast<std::ptrdiff_t>(first));
      const auto to = std::min(start + static_cast<std::ptrdiff_t>(size()), static_cast<std::ptrdiff_t>(last));
      for (auto at = from; at < to; ++at) {
        const auto i = static_cast<std::size_t>(at - start);
        out[static_cast<std::size_t>(at)] += w.time.get()[i] * window_[i] * scale_;
      }
    }
  });
  return out;
}

}  // namespace toll::engines::separation
