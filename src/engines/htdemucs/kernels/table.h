// The inner loops, compiled once for each kind of processor. Plain pointers only: a function of the standard library
// that is compiled with wide vectors here must not become everybody's copy of it.
#pragma once

#include <cstddef>

namespace toll::engines::htdemucs::kernels {

inline constexpr std::size_t rows = 6;      // of a block of weights
inline constexpr std::size_t columns = 48;  // of a block of results

struct Table {
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
};

// The one for this processor.
const Table& table();

}  // namespace toll::engines::htdemucs::kernels
