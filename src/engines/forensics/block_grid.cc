#include "engines/forensics/block_grid.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace toll::engines::forensics {
namespace {

constexpr int cell = 64;
constexpr double clear = 0.06;  // strength that a picture needs before its cells are judged
constexpr double plain = 0.15;  // mean step below which there is nothing to compare with
constexpr float edge = 24;      // steps beyond this belong to the picture, not to its compression

using Phases = std::array<double, 8>;

// The step between the pixels b and c beyond what the slopes beside it explain: |a - 3 b + 3 c - d|.
float step(int a, int b, int c, int d) {
  return std::min(edge, static_cast<float>(std::abs(a - 3 * b + 3 * c - d)) / 4);
}

// Mean step in front of columns x = 0, 1, ... 7 modulo 8, within the box.
Phases across(const Luma& luma, int x1, int y1, int x2, int y2) {
  Phases sum{}, count{};
  for (int y = y1; y < y2; ++y)
    for (int x = std::max(x1, 2); x < std::min(x2, luma.width - 1); ++x) {
      const auto phase = static_cast<std::size_t>(x % 8);
      sum[phase] += step(luma.at(x - 2, y), luma.at(x - 1, y), luma.at(x, y), luma.at(x + 1, y));
      ++count[phase];
    }
  for (std::size_t i = 0; i < 8; ++i) sum[i] /= std::max(1.0, count[i]);
  return sum;
}

Phases down(const Luma& luma, int x1, int y1, int x2, int y2) {
  Phases sum{}, count{};
  for (int y = std::max(y1, 2); y < std::min(y2, luma.height - 1); ++y) {
    const auto phase = static_cast<std::size_t>(y % 8);
    for (int x = x1; x < x2; ++x)
      sum[phase] += step(luma.at(x, y - 2), luma.at(x, y - 1), luma.at(x, y), luma.at(x, y + 1));
    count[phase] += x2 - x1;
  }
  for (std::size_t i = 0; i < 8; ++i) sum[i] /= std::max(1.0, count[i]);
  return sum;
}

struct Found {
  int phase = 0;
  double strength = 0;
};

// The highest phase over the mean of the other seven.
Found strongest(const Phases& phases) {
  const auto top = std::ranges::max_element(phases);
  double rest = 0;
  for (double phase : phases) rest += phase;
  rest = (rest - *top) / 7;
  return {static_cast<int>(top - phases.begin()), rest > plain ? *top / rest - 1 : 0};
}

double relative(const Phases& phases, int phase) {
  double rest = 0;
  for (double one : phases) rest += one;
  rest = (rest - phases[static_cast<std::size_t>(phase)]) / 7;
  return rest > plain ? phases[static_cast<std::size_t>(phase)] / rest - 1 : 0;
}

// A part has one grid: over the whole region another phase than the picture's must be about as strong as the picture's
// is, and the picture's own must be gone. Texture passes for a grid in a cell, seldom in a region.
double confirmed(const Luma& luma, const Region& region, const BlockGrid& whole) {
  const auto box = clipped(region.box, luma.width, luma.height);
  const int x1 = static_cast<int>(box.x1), y1 = static_cast<int>(box.y1);
  const int x2 = static_cast<int>(box.x2), y2 = static_cast<int>(box.y2);
  const auto axis = [&](const Phases& phases, int phase) {
    const auto top = strongest(phases);
    if (top.phase == phase) return 0.0;
    return ramp((top.strength - std::max(0.0, relative(phases, phase))) / whole.strength, 0.15, 0.5);
  };
  return std::max(axis(across(luma, x1, y1, x2, y2), whole.x), axis(down(luma, x1, y1, x2, y2), whole.y));
}

void keep_confirmed(const Luma& luma, BlockGrid& found) {
  auto& regions = found.shifted.regions;
  for (auto& region : regions) region.score *= confirmed(luma, region, found);
  std::erase_if(regions, [](const Region& region) { return region.score <= 0; });
  std::ranges::stable_sort(regions, std::ranges::greater(), &Region::score);
  found.shifted.score = regions.empty() ? 0 : regions.front().score;
}

}  // namespace

BlockGrid block_grid(const Luma& luma) {
  BlockGrid out;
  if (luma.width < 2 * cell || luma.height < 2 * cell) return out;
  const auto whole_x = strongest(across(luma, 0, 0, luma.width, luma.height));
  const auto whole_y = strongest(down(luma, 0, 0, luma.width, luma.height));
  out.x = whole_x.phase;
  out.y = whole_y.phase;
  out.strength = std::min(whole_x.strength, whole_y.strength);
  Grid grid = Grid::over(luma.width, luma.height, cell);
  if (out.strength < clear) return out;
  for (int row = 0; row < grid.rows; ++row)
    for (int column = 0; column < grid.columns; ++column) {
      const int x1 = column * cell, y1 = row * cell;
      const int x2 = std::min(x1 + cell, luma.width), y2 = std::min(y1 + cell, luma.height);
      auto& value = grid.at(column, row) = std::numeric_limits<float>::quiet_NaN();
      if (x2 - x1 < cell / 2 || y2 - y1 < cell / 2) continue;
      const auto own_x = across(luma, x1, y1, x2, y2), own_y = down(luma, x1, y1, x2, y2);
      const auto top_x = strongest(own_x), top_y = strongest(own_y);
      // What its own best grid explains more than the picture's grid does.
      value = static_cast<float>(std::max(0.0, top_x.strength - relative(own_x, out.x)) +
                                 std::max(0.0, top_y.strength - relative(own_y, out.y)));
    }
  out.shifted = outliers(grid, 0.12, 3.5, false, 3);
  keep_confirmed(luma, out);
  return out;
}

}  // namespace toll::engines::forensics
