// The operators of the transformer (operators.h), on tokens in columns: 1 x C x ..., of which everything after C is
// tokens.
#pragma once

#include "engines/htdemucs/panel.h"
#include "engines/onnx/operator.h"

namespace toll::engines::htdemucs {

onnx::Operator attend(Precision precision);
onnx::Operator feed_forward(Precision precision);
onnx::Operator enter();

// A norm of each token over its channels (Ba, Kiros and Hinton 2016).
struct LayerNorm {
  std::vector<float> gamma, beta;
  LayerNorm(std::span<const float> gamma, std::span<const float> beta);
  // In place, channels x width.
  void apply(float* staged) const;
};

// Columns `begin` to `begin + count` of `x` (channels x stride) as channels x width; the rest is zero.
void stage_columns(const float* x, std::size_t stride, std::size_t channels, std::size_t begin, std::size_t count,
                   float* staged);
// to = from + result, at the same columns. `to` may be `from`.
void add_columns(const float* from, const float* result, std::size_t stride, std::size_t channels, std::size_t begin,
                 std::size_t count, float* to);

}  // namespace toll::engines::htdemucs
