// JSON of a call, read in one go: the lists of numbers become Numbers at once, so that a tensor never becomes a tree of
// values of its own. Everything else is a small document.
#pragma once

#include <map>
#include <string_view>

#include "base/result.h"
#include "json/parse.h"
#include "surfaces/inference/numbers.h"

namespace toll::open_inference {

// inputs[i].data; why: what is wrong with it as a clause, or empty.
struct InputData {
  Numbers numbers;
  std::string why;
};

struct InferDocument {
  json::Value rest;                       // with null in place of data
  std::map<std::size_t, InputData> data;  // by the place of the input
};

// Strict as json::parse: duplicate names, UTF-8, depth. Faults: malformed_json; also when there is far more beside the
// data than a call can need.
Result<InferDocument> read_document(std::string_view text);

}  // namespace toll::open_inference
