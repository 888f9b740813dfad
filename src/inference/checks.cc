#include "inference/checks.h"

#include <fmt/format.h>

#include <set>

namespace toll::inference {

namespace {

constexpr std::size_t most_problems = 100;

class Problems {
 public:
  void add(const std::string& tensor, std::string why, Problem problem = Problem::rejected) {
    if (all_.size() < most_problems) all_.push_back({Place::body, {tensor}, problem, std::move(why)});
  }
  Result<void> done() && {
    if (all_.empty()) return {};
    return Fault(Reason::invalid_request).at(std::move(all_));
  }

 private:
  std::vector<FieldProblem> all_;
};

void check_shape(const TensorInfo& info, const Tensor& input, Problems& problems) {
  const auto given = shape_text(input.shape), wanted = shape_text(info.shape);
  if (input.shape.size() != info.shape.size())
    return problems.add(input.name,
                        fmt::format("must have the rank {} (shape {}), not {}", info.shape.size(), wanted, given));
  for (std::size_t i = 0; i < info.shape.size(); ++i)
    if (info.shape[i] >= 0 && input.shape[i] != info.shape[i])
      return problems.add(input.name,
                          fmt::format("must have the shape {}, not {}; -1 takes any extent", wanted, given));
  const auto elements = elements_of(input.shape);
  if (!elements) return problems.add(input.name, fmt::format("cannot have the shape {}", given));
  const auto size = engines::onnx::size_of(input.type);
  if (*elements > input.bytes.size() || *elements * size != input.bytes.size())
    problems.add(input.name,
                 fmt::format("must have {} elements for its shape, not {}", *elements, input.bytes.size() / size));
}

void check_input(const Schema& schema, const Tensor& input, Problems& problems) {
  const auto* info = find_tensor(schema.inputs, input.name);
  if (!info) return problems.add(input.name, "is no input of this model");
  if (info->type != input.type)
    return problems.add(input.name, fmt::format("must be {}, not {}", name_of(info->type), name_of(input.type)));
  check_shape(*info, input, problems);
}

}  // namespace

Result<void> check_call(const Schema& schema, const std::vector<Tensor>& inputs,
                        const std::vector<std::string>& outputs, const Bounds& bounds) {
  Problems problems;
  std::set<std::string_view> seen;
  std::uint64_t bytes = 0;
  for (const auto& input : inputs) {
    bytes += input.bytes.size();
    if (!seen.insert(input.name).second)
      problems.add(input.name, "is given twice");
    else
      check_input(schema, input, problems);
  }
  for (const auto& info : schema.inputs)
    if (!seen.contains(info.name)) problems.add(info.name, "is required", Problem::missing);
  std::set<std::string_view> wanted;
  for (const auto& name : outputs)
    if (!find_tensor(schema.outputs, name))
      problems.add(name, "is no output of this model");
    else if (!wanted.insert(name).second)
      problems.add(name, "is wanted twice");
  if (bytes > bounds.input_bytes)
    problems.add("inputs", fmt::format("must have at most {} bytes together", bounds.input_bytes));
  if (schema.inputs.size() + (outputs.empty() ? schema.outputs.size() : outputs.size()) > bounds.tensors)
    problems.add("outputs", fmt::format("must be fewer: a run takes at most {} tensors together", bounds.tensors));
  return std::move(problems).done();
}

}  // namespace toll::inference
