// The operator Convolve (operators.h).
#pragma once

#include "engines/htdemucs/panel.h"
#include "engines/onnx/operator.h"

namespace toll::engines::htdemucs {

onnx::Operator convolve(Precision precision);

}  // namespace toll::engines::htdemucs
