#include "engines/forensics/error_level.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engines/forensics/blocks.h"

namespace toll::engines::forensics {
namespace {

constexpr float unknown = std::numeric_limits<float>::quiet_NaN();
constexpr float rounding = 0.25f;  // what decoding to whole values leaves of nothing, and a little more
constexpr double plain = 1.0;      // mean square of the coefficients, the first left out

struct Levels {
  Grid error, texture;  // mean squares; texture 0 where there is no whole block
};

Levels measure(const Luma& luma) {
  static const auto table = ijg_luminance(error_level_quality);
  const int cell = cell_size(luma.width, luma.height), blocks = cell / 8;
  Levels out{Grid::over(luma.width, luma.height, cell), Grid::over(luma.width, luma.height, cell)};
  Grid counts = out.error;
  for (int y = 0; y + 8 <= luma.height; y += 8)
    for (int x = 0; x + 8 <= luma.width; x += 8) {
      const auto block = transform(luma, x, y);
      double error = 0, texture = 0;
      for (std::size_t i = 1; i < block.size(); ++i) {
        const auto step = static_cast<float>(table[i]);
        const float off = block[i] - step * std::round(block[i] / step);
        error += off * off;
        texture += block[i] * block[i];
      }
      const int column = x / 8 / blocks, row = y / 8 / blocks;
      out.error.at(column, row) += static_cast<float>(error / 64);
      out.texture.at(column, row) += static_cast<float>(texture / 64);
      ++counts.at(column, row);
    }
  for (std::size_t i = 0; i < counts.values.size(); ++i) {
    const float count = std::max(1.0f, counts.values[i]);
    out.error.values[i] /= count;
    out.texture.values[i] /= count;
  }
  return out;
}

// The median slope over pairs that lie half the list apart, the list sorted by x: Theil-Sen in linear time.
double slope_of(std::vector<std::pair<float, float>> points) {
  std::ranges::sort(points);
  std::vector<float> slopes;
  const auto half = points.size() / 2;
  for (std::size_t i = 0; i + half < points.size(); ++i) {
    const float run = points[i + half].first - points[i].first;
    if (run > 0.1f) slopes.push_back((points[i + half].second - points[i].second) / run);
  }
  return quantile(slopes, 0.5);
}

}  // namespace

Grid error_levels(const Luma& luma) {
  auto levels = measure(luma);
  std::vector<std::pair<float, float>> points;
  Grid out = levels.error;
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    if (levels.texture.values[i] < plain) {
      out.values[i] = unknown;
      continue;
    }
    levels.texture.values[i] = std::log2(levels.texture.values[i]);
    out.values[i] = 0.5f * std::log2(out.values[i] + rounding);
    points.emplace_back(levels.texture.values[i], out.values[i]);
  }
  const auto slope = static_cast<float>(slope_of(std::move(points)));
  for (std::size_t i = 0; i < out.values.size(); ++i)
    if (!std::isnan(out.values[i])) out.values[i] -= slope * levels.texture.values[i];
  return out;
}

Outliers error_level_inconsistency(const Luma& luma) {
  return outliers(error_levels(luma), 0.12);
}

}  // namespace toll::engines::forensics
