// The operator Residual (operators.h).
#pragma once

#include "engines/onnx/operator.h"

namespace toll::engines::htdemucs {

void residual(const onnx::OperatorCall& call);

}  // namespace toll::engines::htdemucs
