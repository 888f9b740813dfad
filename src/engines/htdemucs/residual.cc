#include "engines/htdemucs/residual.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include "engines/htdemucs/kernels/table.h"

namespace toll::engines::htdemucs {
namespace {

using kernels::columns;
using kernels::rows;

constexpr std::size_t inputs_per_layer = 9;
constexpr std::size_t tile = 10 * columns;  // columns of a tile: with 48 channels they stay in the second cache
constexpr float epsilon = 1e-5f;

std::size_t rounded(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

// Rows of weights in blocks of six, those of a block side by side: [block][k][6]. Missing rows are zero.
struct Packed {
  std::vector<float> weights, bias;
  std::size_t k = 0, blocks = 0;
  Packed(std::size_t count, std::size_t k) : k(k), blocks(rounded(count, rows) / rows) {
    weights.resize(blocks * rows * k);
    bias.resize(blocks * rows);
  }
  float& at(std::size_t row, std::size_t i) { return weights[(row / rows * k + i) * rows + row % rows]; }
  const float* block(std::size_t b) const { return weights.data() + b * k * rows; }
};

// One depth of the branch.
struct Layer {
  std::size_t channels, hidden, dilation;
  std::span<const float> w1, b1, gamma1, beta1, w2, b2, gamma2, beta2, scale;
};

// Sums over a row's columns; tiles add to them in any order, so that the last digits may differ between runs of
// several threads: in double, they do not reach the result.
struct Statistics {
  double sum = 0, squares = 0;     // of the hidden rows before their norm
  std::vector<double> sums, gram;  // of the hidden rows after it
};

// One row of one layer: C x N in, C x N out. Phases over tiles, with a barrier between them.
class RowOfLayer {
 public:
  RowOfLayer(const Layer& layer, const Packed& first, const float* x, float* out, std::size_t stride, std::size_t count,
             float* hidden)
      : layer_(layer),
        first_(first),
        x_(x),
        out_(out),
        stride_(stride),
        count_(count),
        hidden_stride_(rounded(count, columns)),
        hidden_(hidden),
        second_(2 * layer.channels, layer.hidden) {
    statistics_.sums.resize(layer.hidden);
    statistics_.gram.resize(layer.hidden * layer.hidden);
  }
  static std::size_t hidden_size(const Layer& layer, std::size_t count) {
    return rounded(layer.hidden, rows) * rounded(count, columns);
  }
  std::size_t tiles() const { return (count_ + tile - 1) / tile; }

  // The dilated convolution, and what its norm must know.
  void narrow(std::size_t t) {
    const std::size_t begin = t * tile, width = std::min(tile, count_ - begin), d = layer_.dilation;
    const std::size_t wide = rounded(width, columns) + 2 * d;
    thread_local std::vector<float> local;
    thread_local std::vector<const float*> sources;
    local.assign(layer_.channels * wide, 0.0f);
    sources.resize(3 * layer_.channels);
    for (std::size_t c = 0; c < layer_.channels; ++c) {
      const std::size_t left = std::min(d, begin), right = std::min(d, count_ - begin - width);
      std::memcpy(local.data() + c * wide + d - left, x_ + c * stride_ + begin - left,
                  (left + width + right) * sizeof(float));
    }
    double sum = 0, squares = 0;
    for (std::size_t at = 0; at < width; at += columns) {
      for (std::size_t c = 0; c < layer_.channels; ++c)
        for (std::size_t tap = 0; tap < 3; ++tap) sources[3 * c + tap] = local.data() + c * wide + at + tap * d;
      for (std::size_t b = 0; b < first_.blocks; ++b)
        table_.block(first_.block(b), first_.bias.data() + b * rows, first_.k, sources.data(),
                     hidden_row(b * rows) + begin + at, hidden_stride_);
    }
    for (std::size_t h = 0; h < layer_.hidden; ++h) table_.sums(hidden_row(h) + begin, width, &sum, &squares);
    std::lock_guard lock(mutex_);
    statistics_.sum += sum, statistics_.squares += squares;
  }

  // Norm and GELU of the hidden rows, and what the second norm must know.
  void activate(std::size_t t) {
    const std::size_t begin = t * tile, width = std::min(tile, count_ - begin), hidden = layer_.hidden;
    const double n = static_cast<double>(hidden * count_), mean = statistics_.sum / n;
    const double rate = 1 / std::sqrt(std::max(statistics_.squares / n - mean * mean, 0.0) + epsilon);
    thread_local std::vector<double> sums, gram;
    sums.assign(hidden, 0), gram.assign(hidden * hidden, 0);
    for (std::size_t h = 0; h < hidden; ++h) {
      const double factor = rate * layer_.gamma1[h];
      float* row = hidden_row(h) + begin;
      table_.gelu(row, row, width, static_cast<float>(factor), static_cast<float>(layer_.beta1[h] - mean * factor));
      double unused = 0;
      table_.sums(row, width, &sums[h], &unused);
      for (std::size_t other = 0; other <= h; ++other)
        gram[h * hidden + other] = table_.dot(row, hidden_row(other) + begin, width);
    }
    std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < sums.size(); ++i) statistics_.sums[i] += sums[i];
    for (std::size_t i = 0; i < gram.size(); ++i) statistics_.gram[i] += gram[i];
  }

  // The widening convolution with its norm worked into it; values and gates of a channel side by side.
  void fold() {
    const std::size_t hidden = layer_.hidden, wide = 2 * layer_.channels;
    const double n = static_cast<double>(count_);
    double sum = 0, squares = 0;
    for (std::size_t o = 0; o < wide; ++o) {
      const float* w = layer_.w2.data() + o * hidden;
      double linear = 0, quadratic = 0;
      for (std::size_t h = 0; h < hidden; ++h) {
        linear += w[h] * statistics_.sums[h];
        double cross = 0;
        for (std::size_t other = 0; other < h; ++other) cross += w[other] * statistics_.gram[h * hidden + other];
        quadratic += w[h] * (2 * cross + w[h] * statistics_.gram[h * hidden + h]);
      }
      const double b = layer_.b2[o];
      sum += linear + n * b;
      squares += quadratic + 2 * b * linear + n * b * b;
    }
    const double all = n * static_cast<double>(wide), mean = sum / all;
    const double rate = 1 / std::sqrt(std::max(squares / all - mean * mean, 0.0) + epsilon);
    for (std::size_t o = 0; o < wide; ++o) {
      const std::size_t row = o < layer_.channels ? 2 * o : 2 * (o - layer_.channels) + 1;
      const double factor = rate * layer_.gamma2[o];
      for (std::size_t h = 0; h < hidden; ++h)
        second_.at(row, h) = static_cast<float>(layer_.w2[o * hidden + h] * factor);
      second_.bias[row] = static_cast<float>((layer_.b2[o] - mean) * factor + layer_.beta2[o]);
    }
  }

  void widen(std::size_t t) {
    const std::size_t begin = t * tile, width = std::min(tile, count_ - begin);
    float results[rows * columns];
    thread_local std::vector<const float*> sources;
    sources.resize(layer_.hidden);
    for (std::size_t at = 0; at < width; at += columns) {
      const std::size_t some = std::min(columns, width - at), place = begin + at;
      for (std::size_t h = 0; h < layer_.hidden; ++h) sources[h] = hidden_row(h) + place;
      for (std::size_t b = 0; b < second_.blocks; ++b) {
        table_.block(second_.block(b), second_.bias.data() + b * rows, second_.k, sources.data(), results, columns);
        for (std::size_t i = 0; i < rows / 2; ++i) {
          const std::size_t c = b * rows / 2 + i;
          if (c < layer_.channels)
            table_.add_gated(x_ + c * stride_ + place, results + 2 * i * columns, results + (2 * i + 1) * columns,
                             layer_.scale[c], out_ + c * stride_ + place, some);
        }
      }
    }
  }

 private:
  float* hidden_row(std::size_t h) const { return hidden_ + h * hidden_stride_; }

  const Layer& layer_;
  const Packed& first_;
  const float* x_;
  float* out_;
  std::size_t stride_, count_, hidden_stride_;
  float* hidden_;
  Packed second_;
  Statistics statistics_;
  std::mutex mutex_;
  const kernels::Table& table_ = kernels::table();
};

void must(bool fits) {
  if (!fits) throw std::invalid_argument("Residual: the inputs do not fit together");
}

Layer layer_of(const onnx::OperatorCall& call, std::size_t depth, std::size_t channels) {
  const auto* in = call.inputs.data() + 1 + depth * inputs_per_layer;
  const std::size_t hidden = in[1].size();
  must(hidden > 0 && in[0].size() == hidden * channels * 3 && in[2].size() == hidden && in[3].size() == hidden);
  must(in[4].size() == 2 * channels * hidden && in[5].size() == 2 * channels && in[6].size() == 2 * channels);
  must(in[7].size() == 2 * channels && in[8].size() == channels);
  const std::size_t dilation = call.attributes.at("dilate") ? std::size_t{1} << depth : 1;
  return {channels, hidden, dilation, in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7], in[8]};
}

Packed packed_first(const Layer& layer) {
  Packed packed(layer.hidden, 3 * layer.channels);
  for (std::size_t h = 0; h < layer.hidden; ++h) {
    for (std::size_t i = 0; i < packed.k; ++i) packed.at(h, i) = layer.w1[h * packed.k + i];
    packed.bias[h] = layer.b1[h];
  }
  return packed;
}

using Parallel = std::function<void(std::size_t, const std::function<void(std::size_t)>&)>;

// A long row: its tiles go to all threads.
void run_row(RowOfLayer& row, const Parallel& parallel) {
  parallel(row.tiles(), [&](std::size_t t) { row.narrow(t); });
  parallel(row.tiles(), [&](std::size_t t) { row.activate(t); });
  row.fold();
  parallel(row.tiles(), [&](std::size_t t) { row.widen(t); });
}

}  // namespace

void residual(const onnx::OperatorCall& call) {
  must(call.shape.size() == 4 && call.shape[0] == 1 && call.inputs.size() > inputs_per_layer &&
       (call.inputs.size() - 1) % inputs_per_layer == 0 && call.inputs[0].size() == call.output.size());
  const auto channels = static_cast<std::size_t>(call.shape[1]), height = static_cast<std::size_t>(call.shape[2]),
             width = static_cast<std::size_t>(call.shape[3]);
  const std::size_t depth = (call.inputs.size() - 1) / inputs_per_layer, stride = height * width;
  must(depth <= 8 && channels > 0 && stride > 0);
  std::vector<Layer> layers;
  std::vector<Packed> first;
  std::size_t hidden = 0;
  for (std::size_t d = 0; d < depth; ++d) {
    layers.push_back(layer_of(call, d, channels));
    first.push_back(packed_first(layers.back()));
    hidden = std::max(hidden, RowOfLayer::hidden_size(layers.back(), width));
  }
  const auto run = [&](std::size_t r, float* scratch, const Parallel& parallel) {
    for (std::size_t d = 0; d < depth; ++d) {
      const float* x = d == 0 ? call.inputs[0].data() : call.output.data();
      RowOfLayer row(layers[d], first[d], x + r * width, call.output.data() + r * width, stride, width, scratch);
      run_row(row, parallel);
    }
  };
  if (height == 1) {
    std::vector<float> scratch(hidden);
    run(0, scratch.data(), call.parallel);
    return;
  }
  call.parallel(height, [&](std::size_t r) {
    thread_local std::vector<float> scratch;
    if (scratch.size() < hidden) scratch.resize(hidden);
    run(r, scratch.data(), [](std::size_t count, const std::function<void(std::size_t)>& work) {
      for (std::size_t i = 0; i < count; ++i) work(i);
    });
  });
}

}  // namespace toll::engines::htdemucs
