// How a model file is refused: in words that may be shown to whoever brought it, and without paths.
#pragma once

#include <string>
#include <utility>

#include "base/fault.h"

namespace toll::engines::onnx {

inline Fault refuse(std::string why) {
  return Fault(Reason::model_unusable).with("why", why).because(why);
}

}  // namespace toll::engines::onnx
