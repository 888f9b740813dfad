// The operators of our own that the network's graph uses: each does in one pass what the reference's modules do in
// many.
//
// Residual: a DConv branch over 1 x C x R x N, each of the R rows on its own. Inputs: x, then for each depth weight and
//   bias of the dilated convolution (H x C x 3, H), of its norm (H, H), of the widening one (2C x H, 2C), of its norm
//   (2C, 2C), and the layer scale (C). Attribute dilate: 1 when dilation doubles with depth. The second norm needs no
//   pass over what it normalises: its mean and variance follow from the sums and the Gram matrix of the H rows before
//   it.
// Gate: 1 x 2C x ... -> 1 x C x ...; the first half of the channels times the sigmoid of the second (GLU, Dauphin et
// al.
//   2017).
// Spread: the end of a transposed convolution whose kernel is twice its stride S, after a convolution of width 2 has
// made
//   S values of each place: 1 x C*S x ... -> 1 x C x ..., interleaved along `axis` (2 or 3), without the first `crop`
//   values; then GELU when attribute gelu is 1.
// Gelu: with the same error function as the others.
#pragma once

#include <vector>

#include "engines/onnx/operator.h"

namespace toll::engines::htdemucs {

std::vector<onnx::Operator> operators();

}  // namespace toll::engines::htdemucs
