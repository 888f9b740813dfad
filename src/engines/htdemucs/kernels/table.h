// The inner loops, compiled once for each kind of processor. Plain pointers only: a function of the standard library
// that is compiled with wide vectors here must not become everybody's copy of it.
#pragma once

#include <cstddef>
#include <span>

namespace toll::engines::htdemucs::kernels {

inline constexpr std::size_t rows = 6;      // of a block of weights
inline constexpr std::size_t columns = 48;  // of a block of results
inline constexpr std::size_t lines = 8;     // of a Product

// A block of a matrix product: lines x columns results. A word is one factor in single precision, or, in fixed point,
// two of them of 16 bits that follow each other in the sum, the first in the low half.
struct Product {
  const float* weights;  // words x lines
  const float* panel;    // words x columns, rows of panel_stride
  std::size_t words, panel_stride;
  float* out;  // rows of out_stride
  std::size_t out_stride;
  const float* line_scales;    // lines
  const float* column_scales;  // columns
  const float* bias;           // lines, or null: what `out` holds stays
  const float* keep;           // columns, what is multiplied to that which stays; null: 1
};

// The sums of a softmax that is computed in parts (Milakov and Gimelshein 2018), one for each column.
struct Softmax {
  float maxima[columns], sums[columns];  // so far
  float keep[columns];                   // what earlier parts must be multiplied with
  float fresh[columns];                  // what this part must be multiplied with
  float part[columns];                   // sum of this part
};

struct Table {
  const char* name;
  // out[r][i] = bias[r] + sum over k of weights[k * rows + r] * sources[k][i], for one block. `out` has rows of
  // `stride`.
  void (*block)(const float* weights, const float* bias, std::size_t k, const float* const* sources, float* out,
                std::size_t stride);
  // Adds up values and their squares.
  void (*sums)(const float* values, std::size_t count, double* sum, double* squares);
  // a . b
  double (*dot)(const float* a, const float* b, std::size_t count);
  // values = gelu(values * factor + offset), with the error function to 2e-7
  void (*gelu)(const float* in, float* out, std::size_t count, float factor, float offset);
  // out = a * sigmoid(gate)
  void (*gate)(const float* a, const float* gate, float* out, std::size_t count);
  // out = x + scale * a * sigmoid(gate)
  void (*add_gated)(const float* x, const float* a, const float* gate, float scale, float* out, std::size_t count);
  // out = x * factor + offset
  void (*affine)(const float* x, float* out, std::size_t count, float factor, float offset);

  // out = bias or keep * out, plus line scale * column scale * sum. In fixed point the sum is exact as long as it fits
  // 32 bits, and wraps otherwise: the caller sees to it that it fits.
  void (*multiply)(const Product& product);
  void (*multiply_fixed)(const Product& product);
  // Pairs of rows of `in` (k x columns, rows of `stride`), times factors and rounded to 16 bits, into words. A missing
  // last row is zero. |in * factor| <= 32767.
  void (*pack)(const float* in, std::size_t stride, std::size_t k, const float* factors, float* words,
               std::size_t words_stride);
  // largest[i] = max(largest[i], sum over k of in[k][i]^2)
  void (*squares)(const float* in, std::size_t stride, std::size_t k, float* largest);
  // out[k][i] = (in[k][i] - mean of column i) / deviation of column i * gamma[k] + beta[k]
  void (*normalise)(const float* in, std::size_t stride, std::size_t k, const float* gamma, const float* beta,
                    float* out, std::size_t out_stride);
  // scores = 2^(scores - the largest of their column), `keys` rows of columns; relative error 3e-7.
  void (*soften)(float* scores, std::size_t keys, Softmax& softmax);
};

// The one for this processor, unless use() chose.
const Table& table();

// Those that this processor can run, the best last.
std::span<const Table* const> usable();
// Takes another one from then on: for tests, before anything was computed.
void use(const Table& table);

}  // namespace toll::engines::htdemucs::kernels
