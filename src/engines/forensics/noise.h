// How much sensor noise there is where, and where it differs.
//
// A picture that one camera took has one level of noise at one brightness; what is pasted in, smoothed or generated has
// another. The level of a cell is the median of the magnitudes of its finest diagonal Haar coefficients over 0.6745
// (D. Donoho, I. Johnstone, Biometrika 81 (1994)), compared cell by cell: B. Mahdian, S. Saic, "Using noise
// inconsistencies for blind image forensics", Image and Vision Computing 27 (2009).
#pragma once

#include "engines/forensics/grid.h"

namespace toll::engines::forensics {

// log2 of the level of every cell of 32 pixels or more; NaN where the picture is black, white or flat.
Grid noise_levels(const Luma& luma);
// The level of a whole picture, in values of 0..255.
double noise_level(const Luma& luma);
Outliers noise_inconsistency(const Luma& luma);

}  // namespace toll::engines::forensics
