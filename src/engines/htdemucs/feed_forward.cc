// The operators FeedForward and Enter.
#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>

#include "engines/htdemucs/tokens.h"

namespace toll::engines::htdemucs {
namespace {

void must(bool fits) {
  if (!fits) throw std::invalid_argument("a layer of the transformer: the node or its inputs do not fit together");
}

class FeedForward {
 public:
  FeedForward(const onnx::OperatorNode& node, Precision precision)
      : precision_(precision),
        gelu_(node.attributes.at("gelu") != 0),
        channels_(static_cast<std::size_t>(node.shape.at(1))),
        norm_((must(node.constants.size() == 7 || node.constants.size() == 9), node.constants[1]), node.constants[2]),
        inner_(precision, node.constants[3], node.constants[4], channels_),
        outer_(precision, node.constants[5], node.constants[6], inner_.rows()) {
    must(norm_.gamma.size() == channels_ && outer_.rows() == channels_);
    if (node.constants.size() == 7) return;
    last_ = std::make_unique<LayerNorm>(node.constants[7], node.constants[8]);
    must(last_->gamma.size() == channels_);
  }

  void run(const onnx::OperatorCall& call) const {
    const auto& x = call.inputs[0];
    must(!x.empty() && x.size() % channels_ == 0 && x.size() == call.output.size());
    const std::size_t count = x.size() / channels_, units = (count + width - 1) / width;
    std::vector<double> sums(units), squares(units);
    call.parallel(units, [&](std::size_t unit) {
      const std::size_t begin = unit * width, used = std::min(width, count - begin);
      float* to = call.output.data();
      layer(x.data(), count, begin, used, to);
      if (last_)
        for (std::size_t c = 0; c < channels_; ++c)
          table_.sums(to + c * count + begin, used, &sums[unit], &squares[unit]);
    });
    if (last_) norm_of_all(call, sums, squares);
  }

 private:
  void layer(const float* x, std::size_t count, std::size_t begin, std::size_t used, float* to) const {
    thread_local std::vector<float> staging, hidden, results;
    thread_local Panel panel;
    float* staged = at_least(staging, channels_ * width);
    float* inside = at_least(hidden, inner_.padded_rows() * width);
    float* result = at_least(results, outer_.padded_rows() * width);
    stage_columns(x, count, channels_, begin, used, staged);
    norm_.apply(staged);
    panel.assign(precision_, staged, channels_);
    inner_.multiply(panel, inside);
    const std::size_t values = inner_.rows() * width;
    if (gelu_) {
      table_.gelu(inside, inside, values, 1, 0);
    } else {
      for (std::size_t i = 0; i < values; ++i) inside[i] = std::max(inside[i], 0.0f);
    }
    panel.assign(precision_, inside, inner_.rows());
    outer_.multiply(panel, result);
    add_columns(x, result, count, channels_, begin, used, to);
  }

  // GroupNorm of one group (Wu and He 2018): one mean and one deviation of everything.
  void norm_of_all(const onnx::OperatorCall& call, const std::vector<double>& sums,
                   const std::vector<double>& squares) const {
    double sum = 0, squared = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) sum += sums[i], squared += squares[i];
    const auto n = static_cast<double>(call.output.size());
    const double mean = sum / n, rate = 1 / std::sqrt(std::max(squared / n - mean * mean, 0.0) + 1e-5);
    const std::size_t count = call.output.size() / channels_;
    call.parallel(channels_, [&](std::size_t c) {
      const double factor = rate * last_->gamma[c];
      float* row = call.output.data() + c * count;
      table_.affine(row, row, count, static_cast<float>(factor), static_cast<float>(last_->beta[c] - mean * factor));
    });
  }

  Precision precision_;
  bool gelu_;
  std::size_t channels_;
  LayerNorm norm_;
  Matrix inner_, outer_;
  std::unique_ptr<LayerNorm> last_;
  const kernels::Table& table_ = kernels::table();
};

class Entrance {
 public:
  explicit Entrance(const onnx::OperatorNode& node)
      : norm_((must(node.constants.size() == 4), node.constants[1]), node.constants[2]),
        embedding_(node.constants[3].begin(), node.constants[3].end()) {
    must(!norm_.gamma.empty() && embedding_.size() % norm_.gamma.size() == 0);
  }

  void run(const onnx::OperatorCall& call) const {
    must(call.inputs[0].size() == embedding_.size() && call.output.size() == embedding_.size());
    const std::size_t channels = norm_.gamma.size(), count = embedding_.size() / channels;
    call.parallel((count + width - 1) / width, [&](std::size_t unit) {
      thread_local std::vector<float> staging;
      float* staged = at_least(staging, channels * width);
      const std::size_t begin = unit * width, used = std::min(width, count - begin);
      stage_columns(call.inputs[0].data(), count, channels, begin, used, staged);
      norm_.apply(staged);
      add_columns(embedding_.data(), staged, count, channels, begin, used, call.output.data());
    });
  }

 private:
  LayerNorm norm_;
  std::vector<float> embedding_;
};

}  // namespace

LayerNorm::LayerNorm(std::span<const float> gamma, std::span<const float> beta)
    : gamma(gamma.begin(), gamma.end()), beta(beta.begin(), beta.end()) {
  must(gamma.size() == beta.size());
}

void LayerNorm::apply(float* staged) const {
  for (std::size_t c = 0; c < width; c += kernels::columns)
    kernels::table().normalise(staged + c, width, gamma.size(), gamma.data(), beta.data(), staged + c, width);
}

void stage_columns(const float* x, std::size_t stride, std::size_t channels, std::size_t begin, std::size_t count,
                   float* staged) {
  for (std::size_t c = 0; c < channels; ++c, staged += width) {
    std::copy_n(x + c * stride + begin, count, staged);
    std::fill(staged + count, staged + width, 0.0f);
  }
}

void add_columns(const float* from, const float* result, std::size_t stride, std::size_t channels, std::size_t begin,
                 std::size_t count, float* to) {
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < count; ++i)
      to[c * stride + begin + i] = from[c * stride + begin + i] + result[c * width + i];
}

onnx::Operator feed_forward(Precision precision) {
  return {"FeedForward", {"gelu"}, [precision](const onnx::OperatorNode& node) -> onnx::Compute {
            auto layer = std::make_shared<const FeedForward>(node, precision);
            return [layer](const onnx::OperatorCall& call) { layer->run(call); };
          }};
}

onnx::Operator enter() {
  return {"Enter", {}, [](const onnx::OperatorNode& node) -> onnx::Compute {
            auto entrance = std::make_shared<const Entrance>(node);
            return [entrance](const onnx::OperatorCall& call) { entrance->run(call); };
          }};
}

}  // namespace toll::engines::htdemucs
