// The transformer between encoder and decoder: self-attention within, and cross-attention between, the two branches.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engines/htdemucs/hyperparameters.h"
#include "engines/htdemucs/weights.h"
#include "engines/onnx/graph_writer.h"

namespace toll::engines::htdemucs {

struct TokenPlane {
  std::string value;           // 1 x channels x rows x columns
  std::int64_t rows, columns;  // each place is a token
};

// In operators of ONNX and ONNX Runtime. Values of the shapes that came in: of the spectral and of the temporal branch.
std::pair<std::string, std::string> write_transformer(onnx::GraphWriter& graph, Weights& weights,
                                                      const Hyperparameters& hyper, const TokenPlane& spectral,
                                                      const TokenPlane& temporal);

// The same in our own operators, without what changes the number of channels before and after: the shapes that come in
// have transformer_channels().
std::pair<std::string, std::string> write_fused_transformer(onnx::GraphWriter& graph, Weights& weights,
                                                            const Hyperparameters& hyper, const TokenPlane& spectral,
                                                            const TokenPlane& temporal);

// The sines and cosines of places, tokens x channels.
std::vector<float> embedding_2d(int channels, std::int64_t rows, std::int64_t columns, double period, double weight);
std::vector<float> embedding_1d(int channels, std::int64_t length, double period, double weight);

// (x - mean) / deviation over all elements, then gamma and beta, which broadcast.
std::string norm_of_all(onnx::GraphWriter& graph, const std::string& value, const std::string& gamma,
                        const std::string& beta, const onnx::Shape& shape);

}  // namespace toll::engines::htdemucs
