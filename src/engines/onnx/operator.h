// Operators of our own in a graph (domain "tollhouse", version 1): where one pass over memory does what a dozen of
// ONNX's operators do in a dozen passes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace toll::engines::onnx {

inline constexpr const char* operator_domain = "tollhouse";

// One call. Sizes are whatever the graph says: an operator checks them before it looks at anything.
struct OperatorCall {
  std::vector<std::span<const float>> inputs;
  std::vector<std::int64_t> shape;                 // of the output: the node's attribute "shape"
  std::map<std::string, std::int64_t> attributes;  // those of Operator::attributes
  std::span<float> output;
  // Calls work(0) to work(count - 1) on all threads of the session.
  std::function<void(std::size_t count, const std::function<void(std::size_t)>& work)> parallel;
};

// Takes any number of float32 tensors and gives one.
struct Operator {
  std::string name;
  std::vector<std::string> attributes;  // integers, all required
  // Throws std::invalid_argument when the inputs do not fit: the run fails with it.
  std::function<void(const OperatorCall&)> compute;
};

}  // namespace toll::engines::onnx
