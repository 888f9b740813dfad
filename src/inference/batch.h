// Runs that are put together along the first axis, and taken apart again.
#pragma once

#include <string_view>
#include <vector>

#include "inference/pool.h"

namespace toll::inference {

// Rows of the first axis, if the model works by rows as far as its schema tells (every input and output leaves its
// first extent open) and the inputs, which fit the schema, have the same number of them; else 0.
std::int64_t rows_of(const Schema& schema, const std::vector<Tensor>& inputs);

// Two runs of one model with rows: whether they want the same outputs and their inputs differ in the first extent
// alone.
bool can_share(const Run& a, const Run& b);

struct JoinedInput {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<std::string_view> pieces;  // of the runs, in their order
};
// Of one run, its inputs as they are; of several that can share, with the rows one behind the other.
std::vector<JoinedInput> joined_inputs(const std::vector<const Run*>& runs);
// What each run gets of the outputs. Faults: internal when several runs shared and an output has not a row for each of
// theirs.
Result<std::vector<Ran>> split_outputs(const std::vector<const Run*>& runs, std::vector<Tensor> outputs);

}  // namespace toll::inference
