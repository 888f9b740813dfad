// Where JPEG's 8x8 grid lies in a picture, and where it lies otherwise.
//
// Compression leaves steps along the borders of blocks: Z. Fan, R. de Queiroz, "Identification of bitmap compression
// history", IEEE TIP 12 (2003). A part taken from another JPEG brings its own grid along, in seven of eight cases
// shifted along an axis: W. Li, Y. Yuan, N. Yu, "Passive detection of doctored JPEG image via block artifact grid
// extraction", Signal Processing 89 (2009).
#pragma once

#include "engines/forensics/grid.h"

namespace toll::engines::forensics {

struct BlockGrid {
  int x = 0, y = 0;     // where the grid of the whole picture begins, 0..7
  double strength = 0;  // of its steps over those elsewhere, relative; below 0.03 without compression
  Outliers shifted;     // cells of 64 pixels whose own grid is another
};
BlockGrid block_grid(const Luma& luma);

}  // namespace toll::engines::forensics
