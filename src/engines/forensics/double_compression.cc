#include "engines/forensics/double_compression.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>

namespace toll::engines::forensics {
namespace {

constexpr std::array<int, 9> modes{1, 8, 16, 9, 2, 3, 10, 17, 24};  // v * 8 + u: low frequencies, without the mean
constexpr int most = 40;                                            // values looked at, on either side of 0
constexpr double once = 0.4, twice = 1.5;                           // depth that means compressed once, and twice
constexpr std::size_t least_blocks = 256;

using Histogram = std::array<double, most + 1>;
using Values = std::array<std::int8_t, modes.size()>;  // one block's, limited to +-127

struct Coefficients {
  int columns = 0, rows = 0;
  std::vector<Values> blocks;
};

Coefficients read_coefficients(const Luma& luma, const QuantisationTable& table) {
  Coefficients out{luma.width / 8, luma.height / 8, {}};
  out.blocks.resize(static_cast<std::size_t>(out.columns) * out.rows);
  for (std::size_t i = 0; i < out.blocks.size(); ++i) {
    const auto columns = static_cast<std::size_t>(out.columns);
    const auto block = transform(luma, static_cast<int>(i % columns) * 8, static_cast<int>(i / columns) * 8);
    for (std::size_t m = 0; m < modes.size(); ++m) {
      const auto mode = static_cast<std::size_t>(modes[m]);
      const float value = std::round(block[mode] / static_cast<float>(table[mode]));
      out.blocks[i][m] = static_cast<std::int8_t>(std::clamp(value, -127.0f, 127.0f));
    }
  }
  return out;
}

// One mode's histogram of magnitudes beside what it would be without gaps: the geometric mean of the neighbours.
struct Mode {
  Histogram there{}, smooth{};
  int last = 0;      // the values that 98 % stay within
  double depth = 0;  // of the strongest period of 2 to 8 values
};

int reach_of(const Histogram& there) {
  double all = 0, beyond = 0;
  for (int k = 1; k <= most; ++k) all += there[static_cast<std::size_t>(k)];
  for (int k = most; k > 0; --k) {
    beyond += there[static_cast<std::size_t>(k)];
    if (beyond > 0.02 * all) return std::max(k, 6);
  }
  return 6;
}

double deepest_period(const Mode& mode) {
  double deepest = 0;
  for (double frequency = 0.12; frequency < 0.505; frequency += 0.01) {
    std::complex<double> sum = 0;
    for (int k = 1; k <= mode.last; ++k) {
      const auto i = static_cast<std::size_t>(k);
      const double excess = (mode.there[i] - mode.smooth[i]) / (mode.smooth[i] + 1);
      sum += excess * std::polar(1.0, -2 * std::numbers::pi * frequency * k);
    }
    deepest = std::max(deepest, std::abs(sum) / mode.last);
  }
  return deepest;
}

Mode study(const Coefficients& coefficients, std::size_t m) {
  Mode mode;
  for (const auto& block : coefficients.blocks)
    if (const int k = std::abs(block[m]); k <= most) ++mode.there[static_cast<std::size_t>(k)];
  mode.last = reach_of(mode.there);
  for (int k = 1; k <= mode.last; ++k) {
    double logs = 0;
    int count = 0;
    for (int j = std::max(1, k - 3); j <= std::min(most, k + 3); ++j, ++count)
      logs += std::log(mode.there[static_cast<std::size_t>(j)] + 0.5);
    mode.smooth[static_cast<std::size_t>(k)] = std::exp(logs / count);
  }
  mode.depth = deepest_period(mode);
  return mode;
}

// How likely values are where they stand, against the smooth histogram: negative in the gaps.
double evidence(const Mode& mode, int k) {
  const auto i = static_cast<std::size_t>(std::abs(k));
  if (i == 0 || static_cast<int>(i) > mode.last) return 0;
  return std::clamp(std::log((mode.there[i] + 0.5) / (mode.smooth[i] + 0.5)), -2.0, 2.0);
}

Grid unmatched_cells(const Luma& luma, const Coefficients& coefficients, const std::vector<Mode>& all) {
  const int cell = std::max(32, cell_size(luma.width, luma.height)), step = cell / 8;
  Grid grid = Grid::over(luma.width, luma.height, cell);
  for (int row = 0; row < grid.rows; ++row)
    for (int column = 0; column < grid.columns; ++column) {
      double sum = 0;
      int counted = 0;
      for (int y = row * step; y < std::min((row + 1) * step, coefficients.rows); ++y)
        for (int x = column * step; x < std::min((column + 1) * step, coefficients.columns); ++x) {
          const auto& block = coefficients.blocks[static_cast<std::size_t>(y) * coefficients.columns + x];
          for (std::size_t m = 0; m < all.size(); ++m)
            if (all[m].depth > once && block[m] != 0) sum += evidence(all[m], block[m]), ++counted;
        }
      grid.at(column, row) =
          counted < 12 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(-sum / counted);
    }
  return grid;
}

}  // namespace

DoubleCompression double_compression(const Luma& luma, const QuantisationTable& table) {
  DoubleCompression out;
  const auto coefficients = read_coefficients(luma, table);
  if (coefficients.blocks.size() < least_blocks) return out;
  std::vector<Mode> all;
  std::vector<float> depths;
  for (std::size_t m = 0; m < modes.size(); ++m) {
    all.push_back(study(coefficients, m));
    depths.push_back(static_cast<float>(all.back().depth));
  }
  out.depth = quantile(depths, 0.5);
  out.score = ramp(out.depth, once, twice);
  if (out.score > 0) out.unmatched = outliers(unmatched_cells(luma, coefficients, all), 0.08, 3.5, false);
  return out;
}

}  // namespace toll::engines::forensics
