#include "inference/batch.h"

#include <algorithm>

namespace toll::inference {

namespace {

bool open_first(const TensorInfo& info) {
  return !info.shape.empty() && info.shape.front() < 0;
}

bool same_rows(const Tensor& a, const Tensor& b) {
  return a.name == b.name && a.type == b.type &&
         std::equal(a.shape.begin() + 1, a.shape.end(), b.shape.begin() + 1, b.shape.end());
}

const Tensor& input_named(const Run& run, std::string_view name) {
  return *std::ranges::find(run.inputs, name, &Tensor::name);
}

}  // namespace

std::int64_t rows_of(const Schema& schema, const std::vector<Tensor>& inputs) {
  if (!std::ranges::all_of(schema.inputs, open_first) || !std::ranges::all_of(schema.outputs, open_first)) return 0;
  std::int64_t rows = 0;
  for (const auto& input : inputs) {
    if (rows != 0 && input.shape.front() != rows) return 0;
    rows = input.shape.front();
  }
  return rows;
}

bool can_share(const Run& a, const Run& b) {
  if (a.outputs != b.outputs || a.inputs.size() != b.inputs.size()) return false;
  return std::ranges::all_of(a.inputs, [&](const Tensor& input) {
    const auto other = std::ranges::find(b.inputs, input.name, &Tensor::name);
    return other != b.inputs.end() && same_rows(input, *other);
  });
}

std::vector<JoinedInput> joined_inputs(const std::vector<const Run*>& runs) {
  std::vector<JoinedInput> out;
  for (const auto& input : runs.front()->inputs) {
    JoinedInput joined{input.name, input.shape, {input.bytes}};
    for (std::size_t i = 1; i < runs.size(); ++i) {
      const auto& other = input_named(*runs[i], input.name);
      joined.shape.front() += other.shape.front();
      joined.pieces.push_back(other.bytes);
    }
    out.push_back(std::move(joined));
  }
  return out;
}

Result<std::vector<Ran>> split_outputs(const std::vector<const Run*>& runs, std::vector<Tensor> outputs) {
  std::vector<Ran> out(runs.size());
  if (runs.size() == 1) {
    out.front().outputs = std::move(outputs);
    return out;
  }
  std::int64_t rows = 0;
  for (const auto* run : runs) rows += run->rows;
  for (const auto& output : outputs) {
    if (output.shape.empty() || output.shape.front() != rows)
      return Fault(Reason::internal).because("output " + output.name + " has not a row for each of the inputs'");
    const auto row = output.bytes.size() / static_cast<std::size_t>(rows);
    std::size_t at = 0;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const auto bytes = row * static_cast<std::size_t>(runs[i]->rows);
      Tensor part{output.name, output.type, output.shape, output.bytes.substr(at, bytes)};
      part.shape.front() = runs[i]->rows;
      out[i].outputs.push_back(std::move(part));
      at += bytes;
    }
  }
  return out;
}

}  // namespace toll::inference
