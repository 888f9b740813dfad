#include "engines/htdemucs/operators.h"

#include "engines/htdemucs/convolution.h"
#include "engines/htdemucs/residual.h"
#include "engines/htdemucs/tokens.h"

namespace toll::engines::htdemucs {

std::vector<onnx::Operator> operators(Precision precision) {
  return {{"Residual", {"dilate"}, onnx::unprepared(residual)},
          convolve(precision),
          attend(precision),
          feed_forward(precision),
          enter()};
}

}  // namespace toll::engines::htdemucs
