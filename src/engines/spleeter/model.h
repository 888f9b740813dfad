// One Spleeter, ready to tell the sources' parts of a spectrogram.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "engines/onnx/session.h"
#include "engines/spleeter/network.h"

namespace toll::engines::spleeter {

// Not thread-safe.
class Model {
 public:
  // `file` is what write_network() wrote, and must outlive the model. Reason::model_unusable, argument why.
  static Result<Model> open(std::span<const std::byte> file, const onnx::SessionOptions& options);
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  const Shape& shape() const;
  const std::string& source_digest() const;  // of the weights, hex; empty when the file does not say

  // `magnitude`: 2 x frames x bins of shape(). One tensor of as many values a source, 0 to 1. Reason::cancelled within
  // an operator's time (some milliseconds) of a stop request.
  Result<std::vector<onnx::Tensor>> parts(std::span<const float> magnitude, const std::stop_token& stop);

 private:
  struct State;
  explicit Model(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace toll::engines::spleeter
