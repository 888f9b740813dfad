// Matrix products over panels: `width` columns of activations (pixels or tokens) side by side, for all channels. All
// that happens to a column (norms, softmax, scales) happens in one lane of a vector, and nothing ever crosses lanes.
//
// In fixed point a column and a line of weights have 16 bits for each value and one scale in single precision. Their
// products are summed exactly in 32 bits, `depth` at a time: the scales are chosen so that |a . b| <= |a| |b| < 2^31
// (Cauchy and Schwarz). What a sum of 512 loses is 75 dB below it; with bfloat16 it is 52, with half precision and sums
// of eight in half precision 65. The result is the same on all processors but for the last steps in single precision.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engines/htdemucs/kernels/table.h"

namespace toll::engines::htdemucs {

enum class Precision { fixed16, float32 };

inline constexpr std::size_t width = 2 * kernels::columns;
inline constexpr std::size_t depth = 256;  // factors of a sum in 32 bits; even
// Limits of the norms over `depth` values, so that rounding cannot push their product to 2^31.
inline constexpr float column_limit = 32700, line_limit = 65500;

// A vector for scratch that is grown and never shrunk, of no particular content.
float* at_least(std::vector<float>& values, std::size_t size);

// The columns of the right factor.
class Panel {
 public:
  // `staged`: k rows of `width`. In single precision the panel refers to it.
  void assign(Precision precision, const float* staged, std::size_t k);
  const float* words() const { return words_; }  // rows of `width`
  const float* scales() const { return scales_; }
  std::size_t k() const { return k_; }

 private:
  std::vector<float> packed_;
  const float* words_ = nullptr;
  float scales_[width];
  std::size_t k_ = 0;
};

// The left factor: weights, and a bias for each line.
class Matrix {
 public:
  // `weights`: rows x k, `bias`: rows. Throws std::invalid_argument when the sizes differ.
  Matrix(Precision precision, std::span<const float> weights, std::span<const float> bias, std::size_t k);
  std::size_t rows() const { return rows_; }
  std::size_t k() const { return k_; }
  // Rows that multiply() writes.
  std::size_t padded_rows() const { return bias_.size(); }
  const std::vector<float>& words() const { return words_; }
  const std::vector<float>& scales() const { return scales_; }  // of lines
  // out = weights * panel + bias; `out` has rows of `width`.
  void multiply(const Panel& panel, float* out) const;

 private:
  void pack(std::span<const float> weights);

  Precision precision_;
  std::size_t rows_, k_;
  std::vector<float> words_;  // [chunk of depth][block of lines][word][line]
  std::vector<float> scales_, bias_;
};

}  // namespace toll::engines::htdemucs
