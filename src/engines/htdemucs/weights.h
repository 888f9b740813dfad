// The weights of a checkpoint, taken one by one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "engines/htdemucs/stored_tensor.h"

namespace toll::engines::htdemucs {

// Out of the building of a network that cannot be: nothing that large as a hostile description says is made.
struct WeightsRefused {
  Fault fault;
};

class Weights {
 public:
  // Null: there are none, every tensor is of zeros, and only names and shapes matter.
  explicit Weights(const State* state) : state_(state) {}
  // The tensor of this name and shape. Throws WeightsRefused when it is missing, of another shape or not all numbers.
  std::vector<float> take(const std::string& name, const std::vector<std::int64_t>& shape);
  // Every name that was taken, with its shape.
  const std::map<std::string, std::vector<std::int64_t>>& asked() const { return asked_; }
  // Which tensor was not taken, if one was not.
  Result<void> verdict() const;

 private:
  const State* state_;
  std::map<std::string, std::vector<std::int64_t>> asked_;
};

}  // namespace toll::engines::htdemucs
