// An ONNX model that takes the place of built-in rules, run as its media.json says.
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "engines/forensics/picture.h"
#include "engines/forensics/plan.h"

namespace toll::engines::forensics {

struct ModelOptions {
  unsigned threads = 0;
  std::uint64_t memory_limit = 1536u << 20;  // of all models of the process
};

class OnnxModel {
 public:
  // Compares the file with the announced SHA-256, then loads it and checks it against its manifest. The descriptor may
  // be closed afterwards. Reason::model_unusable, argument why.
  static Result<OnnxModel> open(int fd, const Model& model, const ModelOptions& options);
  ~OnnxModel();
  OnnxModel(OnnxModel&&) noexcept;
  OnnxModel& operator=(OnnxModel&&) noexcept;

  const Model& description() const;
  // What the model makes of a picture, or of the part under `box`: 0..1, higher is more likely fake. Faults: cancelled,
  // model_unusable (the run fails, or the number is none).
  Result<double> score(const Picture& picture, const Box& box, const std::stop_token& stop);
  // Of FE-1: 512 numbers of length 1. Faults: as score().
  Result<std::vector<float>> embed(const Picture& picture, const Box& box, const std::stop_token& stop);

 private:
  struct State;
  explicit OnnxModel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

Box whole(const Picture& picture);
// The square around the box's middle that holds the box, grown by `margin` on each side.
Box square_around(const Box& box, double margin);

}  // namespace toll::engines::forensics
