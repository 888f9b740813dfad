#include "engines/forensics/spectrum.h"

#include <fftw3.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <memory>
#include <mutex>
#include <numbers>

#include "engines/forensics/grid.h"

namespace toll::engines::forensics {
namespace {

constexpr int side = 128, half = side / 2 + 1;
constexpr int most_windows = 64;
constexpr double least_height = 6;                    // over its ring, in robust standard deviations
constexpr double least_rise = 1.5, certain_rise = 4;  // over all bins around it, log2 of power

struct FreeFftw {
  void operator()(void* p) const { fftwf_free(p); }
  void operator()(fftwf_plan_s* p) const { fftwf_destroy_plan(p); }
};

// A transform of one window. Not thread-safe; FFTW's planner is guarded.
class Transform {
 public:
  Transform() {
    static std::mutex planning;
    std::lock_guard lock(planning);
    plan_.reset(fftwf_plan_dft_r2c_2d(side, side, in_.get(), out_.get(), FFTW_ESTIMATE));
  }
  float* in() { return in_.get(); }
  void run() { fftwf_execute(plan_.get()); }
  double power(int x, int y) const {
    const auto* value = out_.get()[y * half + x];
    return static_cast<double>(value[0]) * value[0] + static_cast<double>(value[1]) * value[1];
  }

 private:
  std::unique_ptr<float, FreeFftw> in_{fftwf_alloc_real(side * side)};
  std::unique_ptr<fftwf_complex, FreeFftw> out_{fftwf_alloc_complex(side * half)};
  std::unique_ptr<fftwf_plan_s, FreeFftw> plan_;
};

int median_of_nine(const Luma& luma, int x, int y) {
  std::array<std::uint8_t, 9> values;
  std::size_t i = 0;
  for (int dy = -1; dy <= 1; ++dy)
    for (int dx = -1; dx <= 1; ++dx)
      values[i++] = luma.at(std::clamp(x + dx, 0, luma.width - 1), std::clamp(y + dy, 0, luma.height - 1));
  std::nth_element(values.begin(), values.begin() + 4, values.end());
  return values[4];
}

void fill(Transform& transform, const Luma& luma, int left, int top) {
  static const auto window = [] {
    std::array<float, side> hann;
    for (std::size_t i = 0; i < side; ++i)
      hann[i] = static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / side));
    return hann;
  }();
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const int residual = luma.at(left + x, top + y) - median_of_nine(luma, left + x, top + y);
      // A hard edge is one event, not a pattern.
      transform.in()[y * side + x] = static_cast<float>(std::clamp(residual, -32, 32)) *
                                     window[static_cast<std::size_t>(x)] * window[static_cast<std::size_t>(y)];
    }
}

// Beginnings of windows along an axis: apart by half a window where there is room for so many.
std::vector<int> starts(int length, int most) {
  const int room = length - side;
  const int count = std::clamp(room / (side / 2) + 1, 1, most);
  std::vector<int> out;
  for (int i = 0; i < count; ++i) out.push_back(count == 1 ? room / 2 : room * i / (count - 1));
  return out;
}

// log2 of the mean power: [y][x], x from 0 to 1/2 cycle.
std::vector<float> mean_power(const Luma& luma) {
  Transform transform;
  std::vector<double> sum(side * half);
  const auto columns = starts(luma.width, 8), rows = starts(luma.height, most_windows / 8);
  for (int top : rows)
    for (int left : columns) {
      fill(transform, luma, left, top);
      transform.run();
      for (int y = 0; y < side; ++y)
        for (int x = 0; x < half; ++x) sum[static_cast<std::size_t>(y * half + x)] += transform.power(x, y);
    }
  std::vector<float> out;
  const auto windows = static_cast<double>(columns.size() * rows.size());
  for (double power : sum) out.push_back(static_cast<float>(std::log2(power / windows + 1)));
  return out;
}

int signed_row(int y) {
  return y < side / 2 ? y : y - side;
}
double radius_of(int x, int y) {
  return std::hypot(x, signed_row(y));
}

// On an axis, or at a multiple of 1/8 cycle along both: JPEG's own places, one bin to either side.
bool is_jpegs(int x, int y) {
  const auto near_eighth = [](int bin) {
    const int off = (std::abs(bin) + 1) % (side / 8);
    return off <= 2;
  };
  const int row = signed_row(y);
  return x <= 2 || std::abs(row) <= 2 || (near_eighth(x) && near_eighth(row));
}

struct Ring {
  std::vector<float> values;
  float middle = 0, spread = 0;
};

std::vector<Ring> rings_of(const std::vector<float>& power) {
  std::vector<Ring> rings(side);
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < half; ++x)
      rings[static_cast<std::size_t>(radius_of(x, y))].values.push_back(power[static_cast<std::size_t>(y * half + x)]);
  for (auto& ring : rings) {
    auto values = ring.values;
    ring.middle = quantile(values, 0.5);
    for (auto& value : values) value = std::abs(value - ring.middle);
    ring.spread = std::max(0.15f, 1.4826f * quantile(values, 0.5));
  }
  return rings;
}

// How far a bin rises over the highest of those four or five bins away. An edge of the picture is a streak through the
// spectrum, with neighbours as high as itself; a regular pattern stands alone.
double rise_of(const std::vector<float>& power, int x, int y) {
  double highest = 0;
  for (int dy = -5; dy <= 5; ++dy)
    for (int dx = -5; dx <= 5; ++dx) {
      if (std::max(std::abs(dx), std::abs(dy)) < 4) continue;
      // A real picture's spectrum is its own mirror image.
      int column = x + dx, row = y + dy;
      if (column < 0) column = -column, row = -row;
      if (column > side / 2) column = side - column, row = -row;
      const auto at = ((row % side) + side) % side * half + column;
      highest = std::max<double>(highest, power[static_cast<std::size_t>(at)]);
    }
  return power[static_cast<std::size_t>(y * half + x)] - highest;
}

std::vector<Peak> peaks_of(const std::vector<float>& power, const std::vector<Ring>& rings) {
  std::vector<Peak> peaks;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < half; ++x) {
      const double radius = radius_of(x, y);
      if (radius < side / 10 || is_jpegs(x, y)) continue;
      const auto& ring = rings[static_cast<std::size_t>(radius)];
      const double height = (power[static_cast<std::size_t>(y * half + x)] - ring.middle) / ring.spread;
      if (height < least_height) continue;
      const double rise = rise_of(power, x, y);
      if (rise > least_rise)
        peaks.push_back({static_cast<double>(x) / side, static_cast<double>(signed_row(y)) / side, rise});
    }
  std::ranges::stable_sort(peaks, std::ranges::greater(), &Peak::rise);
  peaks.resize(std::min<std::size_t>(peaks.size(), 8));
  return peaks;
}

double mean_between(const std::vector<Ring>& rings, double from, double to) {
  double sum = 0;
  int count = 0;
  for (int r = static_cast<int>(from * side); r < static_cast<int>(to * side); ++r, ++count)
    sum += rings[static_cast<std::size_t>(r)].middle;
  return sum / count;
}

}  // namespace

Spectrum spectrum_of(const Luma& luma) {
  Spectrum out;
  if (luma.width < side || luma.height < side) return out;
  const auto power = mean_power(luma);
  const auto rings = rings_of(power);
  out.peaks = peaks_of(power, rings);
  if (!out.peaks.empty()) out.peak_score = ramp(out.peaks.front().rise, least_rise, certain_rise);
  out.slope = (mean_between(rings, 0.45, 0.5) - mean_between(rings, 0.125, 0.15)) / 1.8;  // log2(0.475 / 0.1375)
  out.tail = mean_between(rings, 0.4, 0.5) - mean_between(rings, 0.2, 0.3);
  return out;
}

}  // namespace toll::engines::forensics
