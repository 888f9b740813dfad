// Whether a JPEG was a JPEG before, with coarser tables, and where in it something was not.
//
// A coefficient that was rounded to multiples of q1 and then to multiples of q2 < q1 leaves gaps and peaks of a fixed
// period in the histogram of its values: A. Popescu, H. Farid, "Statistical Tools for Digital Forensics", IH 2004. A
// part that was pasted in before the last compression has gone through one alone, and its values fall into the gaps: Z.
// Lin, J. He, X. Tang, C.-K. Tang, "Fast, automatic and fine-grained tampered JPEG image detection via DCT coefficient
// analysis", Pattern Recognition 42 (2009). A last compression that is coarser than the first hides both.
#pragma once

#include "engines/forensics/blocks.h"
#include "engines/forensics/grid.h"

namespace toll::engines::forensics {

struct DoubleCompression {
  double depth = 0;    // of the modulation, median over nine low frequencies; mostly below 0.2 in files compressed once
  double score = 0;    // 0..1
  Outliers unmatched;  // cells whose values avoid the peaks of the rest; empty when the file was compressed once
};

// `luma` as the decoder gives it, `table` of the file. Pictures of less than 256 blocks give 0.
DoubleCompression double_compression(const Luma& luma, const QuantisationTable& table);

}  // namespace toll::engines::forensics
