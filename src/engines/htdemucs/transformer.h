// The transformer between encoder and decoder: self-attention within, and cross-attention between, the two branches.
#pragma once

#include <string>
#include <utility>

#include "engines/htdemucs/hyperparameters.h"
#include "engines/htdemucs/weights.h"
#include "engines/onnx/graph_writer.h"

namespace toll::engines::htdemucs {

struct TokenPlane {
  std::string value;           // 1 x channels x rows x columns
  std::int64_t rows, columns;  // each place is a token
};

// Values of the shapes that came in: of the spectral and of the temporal branch.
std::pair<std::string, std::string> write_transformer(onnx::GraphWriter& graph, Weights& weights,
                                                      const Hyperparameters& hyper, const TokenPlane& spectral,
                                                      const TokenPlane& temporal);

// (x - mean) / deviation over all elements, then gamma and beta, which broadcast.
std::string norm_of_all(onnx::GraphWriter& graph, const std::string& value, const std::string& gamma,
                        const std::string& beta, const onnx::Shape& shape);

}  // namespace toll::engines::htdemucs
