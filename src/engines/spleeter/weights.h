// The variables of a checkpoint, taken one by one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engines/spleeter/checkpoint.h"

namespace toll::engines::spleeter {

// The first thing that is wrong is kept, and every variable taken after it is of zeros: a graph is built in one go and
// then thrown away if verdict() says so.
class Weights {
 public:
  explicit Weights(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}
  // The variable of this name and shape.
  std::vector<float> take(const std::string& name, const std::vector<std::int64_t>& shape);
  // Every name that was taken, with its shape.
  const std::map<std::string, std::vector<std::int64_t>>& asked() const { return asked_; }
  // What went wrong, or which variable was not taken.
  Result<void> verdict() const;

 private:
  const Checkpoint& checkpoint_;
  std::map<std::string, std::vector<std::int64_t>> asked_;
  std::optional<Fault> fault_;
};

}  // namespace toll::engines::spleeter
