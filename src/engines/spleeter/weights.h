// The variables of a checkpoint, taken one by one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "engines/spleeter/checkpoint.h"

namespace toll::engines::spleeter {

// Thrown by take(), because a graph is written in one go; write_network() catches it.
struct WeightsRefused {
  Fault fault;
};

class Weights {
 public:
  // Without a checkpoint every variable is of zeros: to learn which ones a network has.
  explicit Weights(const Checkpoint* checkpoint) : checkpoint_(checkpoint) {}
  // The variable of this name and shape. Throws WeightsRefused when it is missing, of another shape or not all numbers.
  std::vector<float> take(const std::string& name, const std::vector<std::int64_t>& shape);
  // Every name that was taken, with its shape.
  const std::map<std::string, std::vector<std::int64_t>>& asked() const { return asked_; }
  // Of a checkpoint: whether every variable was taken.
  Result<void> verdict() const;

 private:
  const Checkpoint* checkpoint_;
  std::map<std::string, std::vector<std::int64_t>> asked_;
};

}  // namespace toll::engines::spleeter
