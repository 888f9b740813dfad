// The operators of our own that the network's graph uses: each does in one pass what the reference's modules do in
// many. Weights are constants of the graph, and packed when the session opens. Channels first everywhere; tokens of
// the transformer are what follows the channels.
//
// Residual: a DConv branch over 1 x C x R x N, each of the R rows on its own. Inputs: x, then for each depth weight and
//   bias of the dilated convolution (H x C x 3, H), of its norm (H, H), of the widening one (2C x H, 2C), of its norm
//   (2C, 2C), and the layer scale (C). Attribute dilate: 1 when dilation doubles with depth. The second norm needs no
//   pass over what it normalises: its mean and variance follow from the sums and the Gram matrix of the H rows before
//   it.
// Convolve: a convolution and what follows it. Inputs: x (1 x C x rows x columns), weight, bias, and possibly what is
//   added to x before. It makes values on a grid of places; then, by attribute:
//   gate: the first half of the channels times the sigmoid of the second (GLU, Dauphin et al. 2017);
//   spread S > 1: the end of a transposed convolution whose kernel is 2 S, which became one of width 2 that makes S
//   values of each place: they are interleaved along `axis` (2 or 3), without the first `crop`; gelu: GELU at the end.
// Attend: x + attention of norm(x) to norm(other). Inputs: x, other, gamma and beta of both norms, weight and bias of
//   Q, K and V (3C x C), weight and bias of the projection. Attribute heads.
// FeedForward: x + outer(gelu or relu(inner(norm(x)))). Inputs: x, gamma, beta, inner weight and bias, outer weight and
//   bias, and possibly gamma and beta of a norm of the whole at the end.
// Enter: norm(x) + e. Inputs: x, gamma, beta, e.
#pragma once

#include <vector>

#include "engines/htdemucs/panel.h"
#include "engines/onnx/operator.h"

namespace toll::engines::htdemucs {

std::vector<onnx::Operator> operators(Precision precision = Precision::fixed16);

}  // namespace toll::engines::htdemucs
