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

// What is known of a node before it runs.
struct OperatorNode {
  std::vector<std::int64_t> shape;                 // of the output: the node's attribute "shape"
  std::map<std::string, std::int64_t> attributes;  // those of Operator::attributes
  // The inputs that are constants of the graph; empty for the others. They live as long as this object only.
  std::vector<std::span<const float>> constants;
};

// One call. Sizes are whatever the graph says: an operator checks them before it looks at anything.
struct OperatorCall {
  std::vector<std::span<const float>> inputs;
  std::vector<std::int64_t> shape;                 // of the output: the node's attribute "shape"
  std::map<std::string, std::int64_t> attributes;  // those of Operator::attributes
  std::span<float> output;
  // Calls work(0) to work(count - 1) on all threads of the session.
  std::function<void(std::size_t count, const std::function<void(std::size_t)>& work)> parallel;
};

// Throws std::invalid_argument when the inputs do not fit: the run fails with it.
using Compute = std::function<void(const OperatorCall&)>;

// Takes any number of float32 tensors and gives one.
struct Operator {
  std::string name;
  std::vector<std::string> attributes;  // integers, all required
  // Once for each node when the session opens: what it needs to do with constants is done here, and kept in what it
  // returns. Throws std::invalid_argument when the node cannot be: the session is refused.
  std::function<Compute(const OperatorNode&)> prepare;
};

// An operator that prepares nothing.
inline std::function<Compute(const OperatorNode&)> unprepared(void (*compute)(const OperatorCall&)) {
  return [compute](const OperatorNode&) -> Compute { return compute; };
}

}  // namespace toll::engines::onnx
