// Measurements over the cells of a picture, and what stands out among them.
#pragma once

#include <cstddef>
#include <vector>

#include "engines/forensics/picture.h"

namespace toll::engines::forensics {

// Square cells of `cell` pixels from the top left; the last ones of a row or column may be cut off by the picture.
struct Grid {
  int cell = 16, columns = 0, rows = 0;
  std::vector<float> values;
  static Grid over(int width, int height, int cell);
  float& at(int column, int row) { return values[static_cast<std::size_t>(row) * columns + column]; }
  float at(int column, int row) const { return values[static_cast<std::size_t>(row) * columns + column]; }
};
// Cells of 16 pixels, larger in large pictures, so that there are about a hundred along the longer side.
int cell_size(int width, int height);

// The value at the share `share` (0..1) of the sorted values; 0 of none. Reorders them.
float quantile(std::vector<float>& values, double share);

// 0 at or below `low`, 1 at or above `high`, a line between.
double ramp(double value, double low, double high);

// A group of cells that touch and stand out together.
struct Region {
  Box box;           // pixels of the grid's picture
  double share = 0;  // of all cells
  double depth = 0;  // mean deviation of its cells, in robust standard deviations
  double score = 0;  // 0..1: how much it looks like a foreign part of the picture
};

struct Outliers {
  std::vector<Region> regions;  // with a score, the highest first
  Grid heat;                    // 0..1 a cell
  double score = 0;             // of the first region; 0 without one
};

// Deviations of the cells from their median in units of 1.4826 MAD (Hampel 1974), but at least `least_spread`; cells
// beyond `threshold` that touch are a region. A foreign part is one region of 0.4 % (counts fully from 3 %) to
// 40 % of the picture and of `least_cells` or more: what is smaller is texture, what is larger is the picture itself.
// NaN marks a cell without a measurement. With `both_ways` low values stand out too.
Outliers outliers(const Grid& grid, double least_spread, double threshold = 3.5, bool both_ways = true,
                  std::size_t least_cells = 4);

}  // namespace toll::engines::forensics
