// The operator Attend: x + projection of softmax(Q K^T / sqrt(d)) V in heads (Vaswani et al. 2017), the scores never
// further from the core than its first cache (Dao et al. 2022).
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "engines/htdemucs/tokens.h"

namespace toll::engines::htdemucs {
namespace {

using kernels::columns;
using kernels::lines;
using kernels::Product;

void must(bool fits) {
  if (!fits) throw std::invalid_argument("Attend: the node or its inputs do not fit together");
}

std::size_t blocks_of(std::size_t count) {
  return (count + lines - 1) / lines;
}

// Keys and values of all tokens, as left factors: of a stretch of `width` keys, for each head, the keys as lines of
// scores (times queries), and the channels as lines of results (times weights of keys).
class Memory {
 public:
  Memory(Precision precision, std::size_t heads, std::size_t size, std::size_t count)
      : precision_(precision),
        heads_(heads),
        size_(size),
        stretches_((count + width - 1) / width),
        key_words_(precision == Precision::fixed16 ? (size + 1) / 2 : size),
        value_words_(precision == Precision::fixed16 ? width / 2 : width),
        keys_(std::make_unique_for_overwrite<float[]>(stretches_ * heads * key_words_ * width)),
        values_(std::make_unique_for_overwrite<float[]>(stretches_ * heads * value_words_ * padded())),
        key_scales_(stretches_ * heads * width),
        value_scales_(stretches_ * heads * padded()) {}

  std::size_t stretches() const { return stretches_; }
  std::size_t padded() const { return blocks_of(size_) * lines; }
  std::size_t key_words() const { return key_words_; }
  const float* keys(std::size_t s, std::size_t h) const { return keys_.get() + (s * heads_ + h) * key_words_ * width; }
  const float* values(std::size_t s, std::size_t h) const {
    return values_.get() + (s * heads_ + h) * value_words_ * padded();
  }
  const float* key_scales(std::size_t s, std::size_t h) const { return key_scales_.data() + (s * heads_ + h) * width; }
  const float* value_scales(std::size_t s, std::size_t h) const {
    return value_scales_.data() + (s * heads_ + h) * padded();
  }

  // `keys` and `values` of one stretch: heads * size rows of `width`.
  void assign(std::size_t stretch, const float* keys, const float* values) {
    thread_local Panel panel;
    for (std::size_t h = 0; h < heads_; ++h) {
      panel.assign(precision_, keys + h * size_ * width, size_);
      std::copy_n(panel.scales(), width, key_scales_.data() + (stretch * heads_ + h) * width);
      float* to = keys_.get() + (stretch * heads_ + h) * key_words_ * width;
      for (std::size_t block = 0; block < width / lines; ++block)
        for (std::size_t i = 0; i < key_words_; ++i, to += lines)
          std::memcpy(to, panel.words() + i * width + block * lines, lines * sizeof(float));
      // A left factor of a row for each channel.
      const Matrix left(precision_, {values + h * size_ * width, size_ * width}, std::vector<float>(size_), width);
      std::copy_n(left.words().data(), value_words_ * padded(),
                  values_.get() + (stretch * heads_ + h) * value_words_ * padded());
      std::copy_n(left.scales().data(), padded(), value_scales_.data() + (stretch * heads_ + h) * padded());
    }
  }

 private:
  Precision precision_;
  std::size_t heads_, size_, stretches_, key_words_, value_words_;
  std::unique_ptr<float[]> keys_, values_;
  std::vector<float> key_scales_, value_scales_;
};

// One head of one panel of `columns` queries.
class Head {
 public:
  Head(Precision precision, const Memory& memory, std::size_t head, std::size_t count)
      : precision_(precision), memory_(memory), head_(head), count_(count) {}

  // `queries`: words of rows of `width`, with their scales. `out`: rows of `width`, padded() of them.
  void run(const float* queries, const float* scales, float* out) const {
    kernels::Softmax softmax;
    std::fill_n(softmax.maxima, columns, -1e30f);
    std::fill_n(softmax.sums, columns, 0.0f);
    float scores[width * columns];
    for (std::size_t s = 0; s < memory_.stretches(); ++s) {
      const std::size_t keys = std::min(width, count_ - s * width);
      score(s, keys, queries, scales, scores);
      table_.soften(scores, keys, softmax);
      mix(s, keys, scores, softmax, out);
    }
    for (std::size_t i = 0; i < memory_.padded(); ++i)
      for (std::size_t c = 0; c < columns; ++c) out[i * width + c] /= softmax.sums[c];
  }

 private:
  void score(std::size_t s, std::size_t keys, const float* queries, const float* scales, float* scores) const {
    const std::size_t words = memory_.key_words();
    for (std::size_t b = 0; b < blocks_of(keys); ++b)
      multiply_({memory_.keys(s, head_) + b * words * lines, queries, words, width, scores + b * lines * columns,
                 columns, memory_.key_scales(s, head_) + b * lines, scales, none, nullptr});
  }

  void mix(std::size_t s, std::size_t keys, float* weights, const kernels::Softmax& softmax, float* out) const {
    float scales[columns], packed[width / 2 * columns];
    const float* panel = weights;
    std::size_t words = keys;
    if (precision_ == Precision::fixed16) {
      // The squares of weights of at most 1 add up to at most their sum.
      float factors[columns];
      for (std::size_t c = 0; c < columns; ++c) {
        const float norm = std::sqrt(softmax.part[c]);
        factors[c] = column_limit / norm;
        scales[c] = norm / column_limit * softmax.fresh[c];
      }
      table_.pack(weights, columns, keys, factors, packed, columns);
      panel = packed, words = (keys + 1) / 2;
    } else {
      std::copy_n(softmax.fresh, columns, scales);
    }
    const std::size_t all_words = precision_ == Precision::fixed16 ? width / 2 : width;
    for (std::size_t row = 0; row < memory_.padded(); row += lines)
      multiply_({memory_.values(s, head_) + row * all_words, panel, words, columns, out + row * width, width,
                 memory_.value_scales(s, head_) + row, scales, s == 0 ? none : nullptr, softmax.keep});
  }

  static constexpr float none[lines] = {};
  Precision precision_;
  const Memory& memory_;
  std::size_t head_, count_;
  const kernels::Table& table_ = kernels::table();
  void (*multiply_)(const Product&) = precision_ == Precision::fixed16 ? table_.multiply_fixed : table_.multiply;
};

// Rows `first` to `first + count` of the weights of Q, K and V one under the other.
Matrix projection(Precision precision, const onnx::OperatorNode& node, std::size_t first, std::size_t count,
                  float factor) {
  const auto channels = static_cast<std::size_t>(node.shape[1]);
  const auto &weights = node.constants[6], &bias = node.constants[7];
  must(weights.size() == 3 * channels * channels && bias.size() == 3 * channels);
  std::vector<float> w(weights.begin() + static_cast<std::ptrdiff_t>(first * channels),
                       weights.begin() + static_cast<std::ptrdiff_t>((first + count) * channels));
  std::vector<float> b(bias.begin() + static_cast<std::ptrdiff_t>(first),
                       bias.begin() + static_cast<std::ptrdiff_t>(first + count));
  for (float& x : w) x *= factor;
  for (float& x : b) x *= factor;
  return {precision, w, b, channels};
}

class Attention {
 public:
  Attention(const onnx::OperatorNode& node, Precision precision)
      : precision_(precision),
        channels_(static_cast<std::size_t>(node.shape.at(1))),
        heads_(static_cast<std::size_t>(node.attributes.at("heads"))),
        size_(heads_ && channels_ % heads_ == 0 ? channels_ / heads_ : 0),
        norm_((must(node.constants.size() == 10 && size_ > 0), node.constants[2]), node.constants[3]),
        other_norm_(node.constants[4], node.constants[5]),
        // Scores to the base of 2.
        query_(projection(precision, node, 0, channels_, 1.44269504f / std::sqrt(static_cast<float>(size_)))),
        memory_(projection(precision, node, channels_, 2 * channels_, 1)),
        out_(precision, node.constants[8], node.constants[9], channels_) {
    must(norm_.gamma.size() == channels_ && other_norm_.gamma.size() == channels_ && out_.rows() == channels_);
  }

  void run(const onnx::OperatorCall& call) const {
    const auto &x = call.inputs[0], &other = call.inputs[1];
    must(x.size() % channels_ == 0 && other.size() % channels_ == 0 && !x.empty() && !other.empty());
    must(x.size() == call.output.size());
    const std::size_t count = x.size() / channels_, keys = other.size() / channels_;
    Memory memory(precision_, heads_, size_, keys);
    call.parallel(memory.stretches(), [&](std::size_t s) { remember(other.data(), keys, s, memory); });
    call.parallel((count + width - 1) / width,
                  [&](std::size_t s) { answer(x.data(), count, s, memory, keys, call.output.data()); });
  }

 private:
  void remember(const float* other, std::size_t count, std::size_t stretch, Memory& memory) const {
    thread_local std::vector<float> staging, results;
    thread_local Panel panel;
    float* staged = at_least(staging, channels_ * width);
    float* made = at_least(results, memory_.padded_rows() * width);
    const std::size_t begin = stretch * width, used = std::min(width, count - begin);
    stage_columns(other, count, channels_, begin, used, staged);
    other_norm_.apply(staged);
    panel.assign(precision_, staged, channels_);
    memory_.multiply(panel, made);
    // Keys that are not there weigh nothing, whatever their values: but not if these are no numbers.
    if (used < width)
      for (std::size_t row = 0; row < memory_.padded_rows(); ++row)
        std::fill(made + row * width + used, made + (row + 1) * width, 0.0f);
    memory.assign(stretch, made, made + channels_ * width);
  }

  void answer(const float* x, std::size_t count, std::size_t unit, const Memory& memory, std::size_t keys,
              float* to) const {
    thread_local std::vector<float> staging, asked, mixed;
    thread_local Panel panel;
    const std::size_t begin = unit * width, used = std::min(width, count - begin);
    float* staged = at_least(staging, channels_ * width);
    float* queries = at_least(asked, query_.padded_rows() * width);
    float* answers = at_least(mixed, (channels_ + lines) * width);
    stage_columns(x, count, channels_, begin, used, staged);
    norm_.apply(staged);
    panel.assign(precision_, staged, channels_);
    query_.multiply(panel, queries);
    for (std::size_t h = 0; h < heads_; ++h) {
      panel.assign(precision_, queries + h * size_ * width, size_);
      const Head head(precision_, memory, h, keys);
      for (std::size_t c = 0; c < used; c += columns)
        head.run(panel.words() + c, panel.scales() + c, answers + h * size_ * width + c);
    }
    panel.assign(precision_, answers, channels_);
    out_.multiply(panel, queries);
    add_columns(x, queries, count, channels_, begin, used, to);
  }

  Precision precision_;
  std::size_t channels_, heads_, size_;
  LayerNorm norm_, other_norm_;
  Matrix query_, memory_, out_;
};

}  // namespace

onnx::Operator attend(Precision precision) {
  return {"Attend", {"heads"}, [precision](const onnx::OperatorNode& node) -> onnx::Compute {
            auto attention = std::make_shared<const Attention>(node, precision);
            return [attention](const onnx::OperatorCall& call) { attention->run(call); };
          }};
}

}  // namespace toll::engines::htdemucs
