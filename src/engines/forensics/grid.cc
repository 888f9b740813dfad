#include "engines/forensics/grid.h"

#include <algorithm>
#include <cmath>

namespace toll::engines::forensics {
namespace {

constexpr double least_share = 0.004, full_share = 0.03, most_share = 0.4;
constexpr double mad_to_deviation = 1.4826;

struct Cells {
  std::vector<std::size_t> members;
  int left, top, right, bottom;
};

// The cells that touch `from` by a side and are marked; unmarks them.
Cells take_component(const Grid& grid, std::size_t from, std::vector<char>& marked) {
  const auto columns = static_cast<std::size_t>(grid.columns);
  Cells out{{from}, grid.columns, grid.rows, 0, 0};
  marked[from] = 0;
  for (std::size_t i = 0; i < out.members.size(); ++i) {
    const auto at = out.members[i];
    const int x = static_cast<int>(at % columns), y = static_cast<int>(at / columns);
    out.left = std::min(out.left, x), out.right = std::max(out.right, x);
    out.top = std::min(out.top, y), out.bottom = std::max(out.bottom, y);
    const auto visit = [&](bool inside, std::size_t next) {
      if (!inside || !marked[next]) return;
      marked[next] = 0;
      out.members.push_back(next);
    };
    visit(x > 0, at - 1);
    visit(x + 1 < grid.columns, at + 1);
    visit(y > 0, at - columns);
    visit(y + 1 < grid.rows, at + columns);
  }
  return out;
}

double conspicuous(const Region& region) {
  if (region.share < least_share || region.share > most_share) return 0;
  return ramp(region.depth, 3, 9) * ramp(region.share, least_share, full_share);
}

Region region_of(const Grid& grid, const Cells& cells, const std::vector<float>& deviation, double measured) {
  Region region;
  const auto pixels = [&](int cell) { return static_cast<double>(cell * grid.cell); };
  region.box = {pixels(cells.left), pixels(cells.top), pixels(cells.right + 1), pixels(cells.bottom + 1)};
  for (auto member : cells.members) region.depth += std::abs(deviation[member]);
  region.depth /= static_cast<double>(cells.members.size());
  region.share = static_cast<double>(cells.members.size()) / measured;
  region.score = conspicuous(region);
  return region;
}

}  // namespace

Grid Grid::over(int width, int height, int cell) {
  Grid out{cell, (width + cell - 1) / cell, (height + cell - 1) / cell, {}};
  out.values.resize(static_cast<std::size_t>(out.columns) * out.rows);
  return out;
}

int cell_size(int width, int height) {
  int cell = 16;
  while (std::max(width, height) / cell > 128) cell *= 2;
  return cell;
}

float quantile(std::vector<float>& values, double share) {
  if (values.empty()) return 0;
  const auto at = std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

double ramp(double value, double low, double high) {
  return std::clamp((value - low) / (high - low), 0.0, 1.0);
}

Outliers outliers(const Grid& grid, double least_spread, double threshold, bool both_ways, std::size_t least_cells) {
  Outliers out;
  out.heat = grid;
  std::vector<float> known;
  for (float value : grid.values)
    if (!std::isnan(value)) known.push_back(value);
  const auto measured = static_cast<double>(known.size());
  const float middle = quantile(known, 0.5);
  for (auto& value : known) value = std::abs(value - middle);
  const double spread = std::max<double>(mad_to_deviation * quantile(known, 0.5), least_spread);
  std::vector<float> deviation(grid.values.size());
  std::vector<char> marked(grid.values.size());
  for (std::size_t i = 0; i < deviation.size(); ++i) {
    const double z = std::isnan(grid.values[i]) ? 0 : (grid.values[i] - middle) / spread;
    deviation[i] = static_cast<float>(both_ways ? std::abs(z) : std::max(0.0, z));
    marked[i] = deviation[i] > threshold;
    out.heat.values[i] = static_cast<float>(ramp(deviation[i], 1, 9));
  }
  for (std::size_t i = 0; i < marked.size(); ++i)
    if (marked[i]) {
      const auto cells = take_component(grid, i, marked);
      auto region = region_of(grid, cells, deviation, measured);
      if (cells.members.size() >= least_cells && region.score > 0) out.regions.push_back(region);
    }
  std::ranges::stable_sort(out.regions, std::ranges::greater(), &Region::score);
  if (!out.regions.empty()) out.score = out.regions.front().score;
  return out;
}

}  // namespace toll::engines::forensics
