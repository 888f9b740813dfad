// One HTDemucs, ready to separate segments.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "engines/htdemucs/hyperparameters.h"
#include "engines/htdemucs/panel.h"
#include "engines/onnx/session.h"

namespace toll::engines::htdemucs {

// Not thread-safe.
class Model {
 public:
  // `file` is what write_network() wrote, and must outlive the model. Reason::model_unusable, argument why.
  static Result<Model> open(std::span<const std::byte> file, const onnx::SessionOptions& options,
                            Precision precision = Precision::fixed16);
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  const Hyperparameters& hyper() const;
  const std::string& source_digest() const;  // of the checkpoint, hex; empty when the file does not say

  // `mix`: audio_channels planes of segment_frames. `stems`: as many planes for every source, in the order of sources;
  // those of the sources that are not `wanted` (one value a source; empty: all are) keep what they held.
  // Reason::cancelled within an operator's time (a tenth of a second) of a stop request.
  Result<void> separate(std::span<const float> mix, const std::vector<bool>& wanted, std::span<float> stems,
                        const std::stop_token& stop);

 private:
  struct State;
  explicit Model(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace toll::engines::htdemucs
