// The 8x8 blocks of JPEG (ITU-T T.81): their cosine transform, quantisation tables, and how the Independent JPEG
// Group's library makes a table for a quality.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "engines/forensics/picture.h"

namespace toll::engines::forensics {

using Block = std::array<float, 64>;                      // row by row: v * 8 + u
using QuantisationTable = std::array<std::uint16_t, 64>;  // row by row too, not in zigzag order

// T.81 A.3.3: the transform of the block whose top left pixel is (x, y), values shifted by -128. The block lies inside.
Block transform(const Luma& luma, int x, int y);

// T.81 table K.1 (luminance) scaled as libjpeg's jpeg_set_quality does: S = 5000 / q below 50, else 200 - 2 q;
// (K.1 * S + 50) / 100, in 1..255. `quality` 1..100.
QuantisationTable ijg_luminance(int quality);
// The quality whose table this is, exactly; nullopt when it is none of them.
std::optional<int> ijg_quality(const QuantisationTable& table);

extern const std::array<std::uint8_t, 64> zigzag;  // T.81 figure A.6: position in the file -> v * 8 + u

}  // namespace toll::engines::forensics
