// The weights of a checkpoint, taken one by one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engines/htdemucs/stored_tensor.h"

namespace toll::engines::htdemucs {

// The first thing that is wrong is kept, and every taken tensor after it is of zeros: a graph is built in one go and
// then thrown away if fault() says so.
class Weights {
 public:
  explicit Weights(const State& state) : state_(state) {}
  // The tensor of this name and shape.
  std::vector<float> take(const std::string& name, const std::vector<std::int64_t>& shape);
  // Every name that was taken, with its shape.
  const std::map<std::string, std::vector<std::int64_t>>& asked() const { return asked_; }
  // What went wrong, or which tensor was not taken.
  Result<void> verdict() const;

 private:
  const State& state_;
  std::map<std::string, std::vector<std::int64_t>> asked_;
  std::optional<Fault> fault_;
};

}  // namespace toll::engines::htdemucs
