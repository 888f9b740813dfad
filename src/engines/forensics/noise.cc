#include "engines/forensics/noise.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace toll::engines::forensics {
namespace {

constexpr double gauss = 0.6745;  // the median magnitude of a standard normal variable
constexpr float unknown = std::numeric_limits<float>::quiet_NaN();

// The diagonal coefficient of the 2x2 pixels at (x, y), orthonormal.
float diagonal(const Luma& luma, int x, int y) {
  return static_cast<float>(luma.at(x, y) - luma.at(x + 1, y) - luma.at(x, y + 1) + luma.at(x + 1, y + 1)) / 2;
}

bool is_clipped(int value) {
  return value < 8 || value > 247;
}

struct Sample {
  std::vector<float> magnitudes;
  int clipped = 0;
};

Sample sample_of(const Luma& luma, int x1, int y1, int x2, int y2) {
  Sample out;
  for (int y = y1; y + 1 < y2; y += 2)
    for (int x = x1; x + 1 < x2; x += 2) {
      out.clipped += is_clipped(luma.at(x, y));
      out.magnitudes.push_back(std::abs(diagonal(luma, x, y)));
    }
  return out;
}

}  // namespace

Grid noise_levels(const Luma& luma) {
  Grid grid = Grid::over(luma.width, luma.height, std::max(32, cell_size(luma.width, luma.height)));
  for (int row = 0; row < grid.rows; ++row)
    for (int column = 0; column < grid.columns; ++column) {
      auto sample = sample_of(luma, column * grid.cell, row * grid.cell, std::min((column + 1) * grid.cell, luma.width),
                              std::min((row + 1) * grid.cell, luma.height));
      const auto count = static_cast<int>(sample.magnitudes.size());
      const bool usable = count >= 64 && sample.clipped * 4 < count;
      const double level = usable ? quantile(sample.magnitudes, 0.5) / gauss : 0;
      grid.at(column, row) = usable ? static_cast<float>(std::log2(level + 0.25)) : unknown;
    }
  return grid;
}

double noise_level(const Luma& luma) {
  auto sample = sample_of(luma, 0, 0, luma.width, luma.height);
  return quantile(sample.magnitudes, 0.5) / gauss;
}

Outliers noise_inconsistency(const Luma& luma) {
  // Texture alone makes levels differ by a third of an octave.
  return outliers(noise_levels(luma), 0.35);
}

}  // namespace toll::engines::forensics
