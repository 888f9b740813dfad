#include "engines/htdemucs/convolution.h"

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace toll::engines::htdemucs {
namespace {

using Extent = std::int64_t;

enum class After { nothing, gelu, gate, spread_rows, spread_columns };

void must(bool fits) {
  if (!fits) throw std::invalid_argument("Convolve: the node or its inputs do not fit together");
}

// Places of one row of the grid, that lie side by side in the panel.
struct Run {
  std::size_t at;  // first column of the panel
  Extent row, column, count;
};

class Convolution {
 public:
  Convolution(const onnx::OperatorNode& node, Precision precision)
      : precision_(precision), matrix_(matrix_of(node, precision)) {
    const auto& a = node.attributes;
    rows_ = a.at("rows"), columns_ = a.at("columns");
    kernel_rows_ = a.at("kernel_rows"), kernel_columns_ = a.at("kernel_columns");
    stride_rows_ = a.at("stride_rows"), stride_columns_ = a.at("stride_columns");
    pad_rows_ = a.at("pad_rows"), pad_columns_ = a.at("pad_columns");
    grid_rows_ = a.at("grid_rows"), grid_columns_ = a.at("grid_columns");
    spread_ = a.at("spread"), crop_ = a.at("crop"), gelu_ = a.at("gelu") != 0;
    must(node.shape.size() == 4 && node.shape[0] == 1);
    out_channels_ = node.shape[1], out_rows_ = node.shape[2], out_columns_ = node.shape[3];
    after_ = after_of(a.at("gate") != 0, a.at("axis"));
    check();
  }

  void run(const onnx::OperatorCall& call) const {
    const auto places = static_cast<std::size_t>(grid_rows_ * grid_columns_);
    const auto in_size = static_cast<std::size_t>(channels_ * rows_ * columns_);
    must(call.inputs.size() == 3 || call.inputs.size() == 4);
    must(call.inputs[0].size() == in_size && (call.inputs.size() == 3 || call.inputs[3].size() == in_size));
    must(call.output.size() == static_cast<std::size_t>(out_channels_ * out_rows_ * out_columns_));
    call.parallel((places + width - 1) / width, [&](std::size_t unit) {
      thread_local std::vector<float> staging, results;
      thread_local Panel panel;
      const std::size_t begin = unit * width, count = std::min(width, places - begin);
      float* staged = at_least(staging, matrix_.k() * width);
      float* result = at_least(results, matrix_.padded_rows() * width);
      const auto runs = runs_of(begin, count);
      stage(call, runs, staged);
      panel.assign(precision_, staged, matrix_.k());
      matrix_.multiply(panel, result);
      write(call.output.data(), begin, count, runs, result);
    });
  }

 private:
  static Matrix matrix_of(const onnx::OperatorNode& node, Precision precision) {
    must(node.constants.size() >= 3 && !node.constants[2].empty());
    const auto &weights = node.constants[1], &bias = node.constants[2];
    return {precision, weights, bias, weights.size() / bias.size()};
  }

  After after_of(bool gate, Extent axis) const {
    if (spread_ > 1) return axis == 2 ? After::spread_rows : After::spread_columns;
    if (gate) return After::gate;
    return gelu_ ? After::gelu : After::nothing;
  }

  void check() {
    constexpr Extent most = 1 << 16;
    const Extent made = static_cast<Extent>(matrix_.rows()), taps = kernel_rows_ * kernel_columns_;
    for (Extent x : {rows_, grid_rows_, out_rows_, out_channels_}) must(x > 0 && x < most);
    for (Extent x : {columns_, grid_columns_, out_columns_}) must(x > 0 && x < most << 14);
    for (Extent x : {kernel_rows_, kernel_columns_, stride_rows_, stride_columns_, spread_}) must(x > 0 && x < 4096);
    for (Extent x : {pad_rows_, pad_columns_, crop_}) must(x >= 0 && x < 4096);
    must(static_cast<Extent>(matrix_.k()) % taps == 0);
    channels_ = static_cast<Extent>(matrix_.k()) / taps;
    if (spread_ > 1) {
      must(made == out_channels_ * spread_);
      must(after_ == After::spread_rows
               ? grid_columns_ == out_columns_ && out_rows_ + crop_ <= grid_rows_ * spread_
               : grid_rows_ == 1 && out_rows_ == 1 && out_columns_ + crop_ <= grid_columns_ * spread_);
    } else {
      must(made == out_channels_ * (after_ == After::gate ? 2 : 1));
      must(grid_rows_ == out_rows_ && grid_columns_ == out_columns_);
    }
  }

  std::vector<Run> runs_of(std::size_t begin, std::size_t count) const {
    std::vector<Run> runs;
    for (std::size_t at = 0; at < count;) {
      const auto place = static_cast<Extent>(begin + at), row = place / grid_columns_, column = place % grid_columns_;
      const Extent some = std::min(grid_columns_ - column, static_cast<Extent>(count - at));
      runs.push_back({at, row, column, some});
      at += static_cast<std::size_t>(some);
    }
    return runs;
  }

  // What every tap sees: k x width values.
  void stage(const onnx::OperatorCall& call, const std::vector<Run>& runs, float* staged) const {
    thread_local std::vector<float> buffer;
    float* line = at_least(buffer, width * static_cast<std::size_t>(stride_columns_ + kernel_columns_));
    const auto used = runs.back().at + static_cast<std::size_t>(runs.back().count);
    for (Extent c = 0; c < channels_; ++c)
      for (Extent i = 0; i < kernel_rows_; ++i) {
        for (const auto& run : runs) {
          const Extent row = run.row * stride_rows_ + i - pad_rows_;
          read_line(call, c, row, run.column * stride_columns_ - pad_columns_,
                    (run.count - 1) * stride_columns_ + kernel_columns_, line);
          for (Extent j = 0; j < kernel_columns_; ++j)
            pick(line + j, run.count, staged + static_cast<std::size_t>(j) * width + run.at);
        }
        for (Extent j = 0; j < kernel_columns_; ++j, staged += width) std::fill(staged + used, staged + width, 0.0f);
      }
  }

  // `count` values of a row from `column` on, zero where there is none.
  void read_line(const onnx::OperatorCall& call, Extent channel, Extent row, Extent column, Extent count,
                 float* line) const {
    const bool inside = row >= 0 && row < rows_;
    const Extent first = inside ? std::clamp<Extent>(-column, 0, count) : count;
    const Extent last = std::clamp<Extent>(columns_ - column, first, count);
    std::fill(line, line + first, 0.0f);
    std::fill(line + last, line + count, 0.0f);
    if (first == last) return;
    const auto place = static_cast<std::size_t>((channel * rows_ + row) * columns_ + column + first);
    const float* from = call.inputs[0].data() + place;
    if (call.inputs.size() == 3) {
      std::copy_n(from, last - first, line + first);
      return;
    }
    const float* other = call.inputs[3].data() + place;
    for (Extent i = 0; i < last - first; ++i) line[first + i] = from[i] + other[i];
  }

  void pick(const float* line, Extent count, float* to) const {
    if (stride_columns_ == 1) {
      std::copy_n(line, count, to);
    } else {
      for (Extent i = 0; i < count; ++i) to[i] = line[i * stride_columns_];
    }
  }

  void write(float* out, std::size_t begin, std::size_t count, const std::vector<Run>& runs,
             const float* result) const {
    const auto& table = kernels::table();
    const auto plane = static_cast<std::size_t>(out_rows_ * out_columns_);
    for (std::size_t c = 0; c < static_cast<std::size_t>(out_channels_); ++c) {
      const float* from = result + c * width;
      float* to = out + c * plane;
      switch (after_) {
        case After::nothing:
          std::copy_n(from, count, to + begin);
          break;
        case After::gelu:
          table.gelu(from, to + begin, count, 1, 0);
          break;
        case After::gate:
          table.gate(from, from + static_cast<std::size_t>(out_channels_) * width, to + begin, count);
          break;
        case After::spread_rows:
          spread_rows(result + c * static_cast<std::size_t>(spread_) * width, runs, to);
          break;
        case After::spread_columns:
          spread_columns(result + c * static_cast<std::size_t>(spread_) * width, begin, count, to);
          break;
      }
    }
  }

  void put(const float* from, std::size_t count, float* to) const {
    if (gelu_) {
      kernels::table().gelu(from, to, count, 1, 0);
    } else {
      std::copy_n(from, count, to);
    }
  }

  void spread_rows(const float* lines, const std::vector<Run>& runs, float* to) const {
    for (Extent r = 0; r < spread_; ++r)
      for (const auto& run : runs) {
        const Extent row = run.row * spread_ + r - crop_;
        if (row < 0 || row >= out_rows_) continue;
        put(lines + static_cast<std::size_t>(r) * width + run.at, static_cast<std::size_t>(run.count),
            to + row * out_columns_ + run.column);
      }
  }

  void spread_columns(const float* lines, std::size_t begin, std::size_t count, float* to) const {
    thread_local std::vector<float> buffer;
    const auto spread = static_cast<std::size_t>(spread_);
    float* mixed = at_least(buffer, width * spread);
    for (std::size_t r = 0; r < spread; ++r)
      for (std::size_t i = 0; i < count; ++i) mixed[i * spread + r] = lines[r * width + i];
    const Extent first = static_cast<Extent>(begin * spread) - crop_;
    const Extent from = std::max<Extent>(first, 0),
                 end = std::min(first + static_cast<Extent>(count * spread), out_columns_);
    if (from < end) put(mixed + (from - first), static_cast<std::size_t>(end - from), to + from);
  }

  Precision precision_;
  Matrix matrix_;
  Extent channels_ = 0, rows_, columns_, kernel_rows_, kernel_columns_, stride_rows_, stride_columns_, pad_rows_,
         pad_columns_, grid_rows_, grid_columns_, spread_, crop_, out_channels_, out_rows_, out_columns_;
  bool gelu_;
  After after_;
};

}  // namespace

onnx::Operator convolve(Precision precision) {
  return {"Convolve",
          {"rows", "columns", "kernel_rows", "kernel_columns", "stride_rows", "stride_columns", "pad_rows",
           "pad_columns", "grid_rows", "grid_columns", "gelu", "gate", "axis", "spread", "crop"},
          [precision](const onnx::OperatorNode& node) -> onnx::Compute {
            auto convolution = std::make_shared<const Convolution>(node, precision);
            return [convolution](const onnx::OperatorCall& call) { convolution->run(call); };
          }};
}

}  // namespace toll::engines::htdemucs
