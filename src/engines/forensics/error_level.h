// How much another compression would change where: N. Krawetz, "A Picture's Worth", Black Hat 2007.
//
// What has been through coarser compression on the same grid changes little; what has not, changes more. The
// compression is not carried out: its error is that of rounding the cosine coefficients to the table of the quality, by
// Parseval the same. Texture changes more than plain areas at any history, so a cell is compared with what its texture
// lets expect (a line through the logarithms, fitted by Theil and Sen's medians of slopes).
#pragma once

#include "engines/forensics/grid.h"

namespace toll::engines::forensics {

inline constexpr int error_level_quality = 90;

// log2 of the root mean square error of every cell, without what its texture explains; NaN in plain areas.
Grid error_levels(const Luma& luma);
Outliers error_level_inconsistency(const Luma& luma);

}  // namespace toll::engines::forensics
