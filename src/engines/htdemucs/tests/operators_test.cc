// The operators against plain loops in double precision, in both precisions and on every kind of processor.
#include "engines/htdemucs/operators.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

namespace toll::engines::htdemucs {
namespace {

using Values = std::vector<float>;
using Numbers = std::vector<double>;
using Attributes = std::map<std::string, std::int64_t>;

Values noise(std::size_t count, unsigned seed, float size = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-size, size);
  Values out(count);
  for (float& x : out) x = uniform(random);
  return out;
}

Values run(Precision precision, const std::string& name, const std::vector<Values>& inputs, std::size_t computed,
           const std::vector<std::int64_t>& shape, const Attributes& attributes) {
  for (const auto& op : operators(precision)) {
    if (op.name != name) continue;
    onnx::OperatorNode node{shape, attributes, {}};
    onnx::OperatorCall call{.shape = shape, .attributes = attributes};
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      node.constants.push_back(i < computed || (i == 3 && name == "Convolve") ? std::span<const float>() : inputs[i]);
      call.inputs.push_back(inputs[i]);
    }
    std::size_t size = 1;
    for (auto extent : shape) size *= static_cast<std::size_t>(extent);
    Values out(size);
    call.output = out;
    call.parallel = [](std::size_t count, const std::function<void(std::size_t)>& work) {
      for (std::size_t i = 0; i < count; ++i) work(i);
    };
    op.prepare(node)(call);
    return out;
  }
  throw std::logic_error("no operator " + name);
}

// Runs the operator in all ways; the difference must be so many decibels below what is wanted.
void expect_everywhere(const Numbers& wanted, const std::string& name, const std::vector<Values>& inputs,
                       std::size_t computed, const std::vector<std::int64_t>& shape,
                       const Attributes& attributes = {}) {
  const auto& usual = kernels::table();
  for (const auto* table : kernels::usable())
    for (const auto precision : {Precision::fixed16, Precision::float32}) {
      kernels::use(*table);
      const auto got = run(precision, name, inputs, computed, shape, attributes);
      ASSERT_EQ(got.size(), wanted.size());
      double signal = 0, difference = 0;
      for (std::size_t i = 0; i < got.size(); ++i)
        signal += wanted[i] * wanted[i], difference += (wanted[i] - got[i]) * (wanted[i] - got[i]);
      EXPECT_GE(10 * std::log10(signal / std::max(difference, signal * 1e-30)),
                precision == Precision::fixed16 ? 70 : 110)
          << table->name << (precision == Precision::fixed16 ? " fixed" : " float");
    }
  kernels::use(usual);
}

double gelu(double x) {
  return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
}

struct Convolved {
  std::int64_t channels = 5, rows = 7, columns = 50, out = 6, kernel_rows = 3, kernel_columns = 3, stride_rows = 1,
               stride_columns = 1, pad_rows = 1, pad_columns = 1;
  std::int64_t grid_rows() const { return (rows + 2 * pad_rows - kernel_rows) / stride_rows + 1; }
  std::int64_t grid_columns() const { return (columns + 2 * pad_columns - kernel_columns) / stride_columns + 1; }
  Attributes attributes() const {
    return {{"rows", rows},
            {"columns", columns},
            {"kernel_rows", kernel_rows},
            {"kernel_columns", kernel_columns},
            {"stride_rows", stride_rows},
            {"stride_columns", stride_columns},
            {"pad_rows", pad_rows},
            {"pad_columns", pad_columns},
            {"grid_rows", grid_rows()},
            {"grid_columns", grid_columns()},
            {"gelu", 0},
            {"gate", 0},
            {"axis", 2},
            {"spread", 1},
            {"crop", 0}};
  }
  std::vector<Values> inputs(unsigned seed) const {
    return {noise(static_cast<std::size_t>(channels * rows * columns), seed),
            noise(static_cast<std::size_t>(out * channels * kernel_rows * kernel_columns), seed + 1),
            noise(static_cast<std::size_t>(out), seed + 2)};
  }
  // out x grid_rows x grid_columns
  Numbers plain(const std::vector<Values>& in) const {
    Numbers made;
    for (std::int64_t o = 0; o < out; ++o)
      for (std::int64_t r = 0; r < grid_rows(); ++r)
        for (std::int64_t c = 0; c < grid_columns(); ++c) {
          double sum = in[2][static_cast<std::size_t>(o)];
          for (std::int64_t i = 0; i < channels; ++i)
            for (std::int64_t y = 0; y < kernel_rows; ++y)
              for (std::int64_t x = 0; x < kernel_columns; ++x) {
                const auto row = r * stride_rows + y - pad_rows, column = c * stride_columns + x - pad_columns;
                if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
                const auto place = static_cast<std::size_t>((i * rows + row) * columns + column);
                const double value = in.size() == 4 ? in[0][place] + in[3][place] : in[0][place];
                sum += value *
                       in[1][static_cast<std::size_t>(((o * channels + i) * kernel_rows + y) * kernel_columns + x)];
              }
          made.push_back(sum);
        }
    return made;
  }
  std::vector<std::int64_t> shape() const { return {1, out, grid_rows(), grid_columns()}; }
};

TEST(Convolve, is_the_sum_over_taps) {
  const Convolved same,
      strided_rows{.kernel_rows = 8, .kernel_columns = 1, .stride_rows = 4, .pad_rows = 2, .pad_columns = 0},
      strided_columns{.rows = 1,
                      .columns = 777,
                      .kernel_rows = 1,
                      .kernel_columns = 8,
                      .stride_columns = 4,
                      .pad_rows = 0,
                      .pad_columns = 2},
      deep{.channels = 131, .out = 9};
  for (const auto& c : {same, strided_rows, strided_columns, deep}) {
    const auto inputs = c.inputs(1);
    expect_everywhere(c.plain(inputs), "Convolve", inputs, 1, c.shape(), c.attributes());
  }
}

TEST(Convolve, adds_what_was_skipped_and_gates) {
  const Convolved c;
  auto inputs = c.inputs(4);
  inputs.push_back(noise(inputs[0].size(), 7));
  const auto both = c.plain(inputs);
  Numbers wanted(both.begin(), both.begin() + static_cast<std::ptrdiff_t>(both.size() / 2));
  for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] /= 1 + std::exp(-both[wanted.size() + i]);
  auto attributes = c.attributes();
  attributes["gate"] = 1;
  expect_everywhere(wanted, "Convolve", inputs, 1, {1, 3, c.rows, c.columns}, attributes);
}

// A transposed convolution is the sum of what every place sends out.
TEST(Convolve, spreads_rows_and_columns) {
  for (std::int64_t axis : {2, 3}) {
    Convolved c{.out = 8, .kernel_rows = 2, .kernel_columns = 1, .pad_columns = 0};
    if (axis == 3) c = {.rows = 1, .out = 8, .kernel_rows = 1, .kernel_columns = 2, .pad_rows = 0};
    const auto inputs = c.inputs(8);
    const auto values = c.plain(inputs);
    const std::int64_t rows = axis == 2 ? c.rows * 4 - 1 : 1, columns = axis == 3 ? c.columns * 4 - 1 : c.columns;
    Numbers wanted;
    for (std::int64_t o = 0; o < 2; ++o)
      for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t column = 0; column < columns; ++column) {
          const auto at = (axis == 2 ? row : column) + 2;
          const auto line = o * 4 + at % 4, r = axis == 2 ? at / 4 : row, m = axis == 3 ? at / 4 : column;
          wanted.push_back(gelu(values[static_cast<std::size_t>((line * c.grid_rows() + r) * c.grid_columns() + m)]));
        }
    auto attributes = c.attributes();
    attributes["axis"] = axis, attributes["spread"] = 4, attributes["crop"] = 2, attributes["gelu"] = 1;
    expect_everywhere(wanted, "Convolve", inputs, 1, {1, 2, rows, columns}, attributes);
  }
}

TEST(Convolve, keeps_its_precision_where_sums_are_as_large_as_they_can_be) {
  const Convolved c{.channels = 200, .rows = 1, .kernel_rows = 1, .kernel_columns = 1, .pad_rows = 0, .pad_columns = 0};
  auto inputs = c.inputs(11);
  for (float sign : {1.0f, -1.0f})
    for (float size : {1e-12f, 1.0f, 1e12f}) {
      std::fill(inputs[0].begin(), inputs[0].end(), size);
      std::fill(inputs[1].begin(), inputs[1].end(), sign * 3e-5f);
      std::fill(inputs[2].begin(), inputs[2].end(), 0.0f);
      expect_everywhere(c.plain(inputs), "Convolve", inputs, 1, c.shape(), c.attributes());
      for (std::size_t i = 0; i < inputs[0].size(); ++i) inputs[0][i] = i == 0 ? size : 0.0f;
      expect_everywhere(c.plain(inputs), "Convolve", inputs, 1, c.shape(), c.attributes());
    }
}

TEST(Convolve, that_does_not_fit_its_inputs_is_refused) {
  const Convolved c;
  auto inputs = c.inputs(12);
  inputs[0].pop_back();
  EXPECT_THROW(run(Precision::fixed16, "Convolve", inputs, 1, c.shape(), c.attributes()), std::invalid_argument);
  inputs = c.inputs(12);
  inputs[1].pop_back();
  EXPECT_THROW(run(Precision::fixed16, "Convolve", inputs, 1, c.shape(), c.attributes()), std::invalid_argument);
  inputs = c.inputs(12);
  for (const char* name : {"stride_rows", "kernel_columns", "grid_rows", "columns"}) {
    auto attributes = c.attributes();
    attributes[name] = 0;
    EXPECT_THROW(run(Precision::fixed16, "Convolve", inputs, 1, c.shape(), attributes), std::invalid_argument) << name;
  }
  EXPECT_THROW(run(Precision::fixed16, "Convolve", inputs, 3, c.shape(), c.attributes()), std::invalid_argument)
      << "weights that are no constants";
}

// channels x tokens
Numbers normed(const Values& x, std::size_t channels, const Values& gamma, const Values& beta) {
  const std::size_t count = x.size() / channels;
  Numbers out(x.size());
  for (std::size_t t = 0; t < count; ++t) {
    double mean = 0, variance = 0;
    for (std::size_t c = 0; c < channels; ++c) mean += x[c * count + t] / static_cast<double>(channels);
    for (std::size_t c = 0; c < channels; ++c)
      variance += (x[c * count + t] - mean) * (x[c * count + t] - mean) / static_cast<double>(channels);
    for (std::size_t c = 0; c < channels; ++c)
      out[c * count + t] = (x[c * count + t] - mean) / std::sqrt(variance + 1e-5) * gamma[c] + beta[c];
  }
  return out;
}

Numbers projected(const Numbers& x, const float* weights, const float* bias, std::size_t rows, std::size_t k) {
  const std::size_t count = x.size() / k;
  Numbers out(rows * count);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t t = 0; t < count; ++t) {
      double sum = bias[r];
      for (std::size_t i = 0; i < k; ++i) sum += weights[r * k + i] * x[i * count + t];
      out[r * count + t] = sum;
    }
  return out;
}

Numbers attended(const std::vector<Values>& in, std::size_t channels, std::size_t heads) {
  const auto x = normed(in[0], channels, in[2], in[3]), other = normed(in[1], channels, in[4], in[5]);
  const std::size_t count = x.size() / channels, keys = other.size() / channels, size = channels / heads;
  const auto part = [&](const Numbers& from, std::size_t which) {
    return projected(from, in[6].data() + which * channels * channels, in[7].data() + which * channels, channels,
                     channels);
  };
  const auto q = part(x, 0), k = part(other, 1), v = part(other, 2);
  Numbers mixed(channels * count);
  for (std::size_t h = 0; h < heads; ++h)
    for (std::size_t t = 0; t < count; ++t) {
      Numbers weight(keys);
      double sum = 0;
      for (std::size_t s = 0; s < keys; ++s) {
        double score = 0;
        for (std::size_t i = h * size; i < (h + 1) * size; ++i) score += q[i * count + t] * k[i * keys + s];
        sum += weight[s] = std::exp(score / std::sqrt(static_cast<double>(size)));
      }
      for (std::size_t i = h * size; i < (h + 1) * size; ++i)
        for (std::size_t s = 0; s < keys; ++s) mixed[i * count + t] += weight[s] / sum * v[i * keys + s];
    }
  auto out = projected(mixed, in[8].data(), in[9].data(), channels, channels);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += in[0][i];
  return out;
}

TEST(Attend, is_softmax_of_scores_times_values) {
  // Fewer and more tokens than a panel, odd and even, heads of sizes that fill no block, flat and sharp weights.
  struct Case {
    std::size_t channels, heads, count, keys;
    float size;
  };
  for (const auto& [channels, heads, count, keys, size] :
       {Case{16, 2, 5, 7, 1}, Case{36, 3, 101, 230, 0.3f}, Case{64, 1, 130, 193, 0.7f}, Case{10, 2, 96, 96, 1}}) {
    const std::vector<Values> inputs{noise(channels * count, 1),
                                     noise(channels * keys, 2),
                                     noise(channels, 3),
                                     noise(channels, 4),
                                     noise(channels, 5),
                                     noise(channels, 6),
                                     noise(3 * channels * channels, 7, size),
                                     noise(3 * channels, 8),
                                     noise(channels * channels, 9),
                                     noise(channels, 10)};
    expect_everywhere(attended(inputs, channels, heads), "Attend", inputs, 2,
                      {1, static_cast<std::int64_t>(channels), 1, static_cast<std::int64_t>(count)},
                      {{"heads", static_cast<std::int64_t>(heads)}});
  }
}

TEST(Attend, that_does_not_fit_its_inputs_is_refused) {
  const std::vector<Values> inputs{noise(40, 1), noise(40, 2), noise(8, 3),   noise(8, 4),  noise(8, 5),
                                   noise(8, 6),  noise(8, 7),  noise(192, 8), noise(24, 9), noise(64, 10)};
  EXPECT_THROW(run(Precision::fixed16, "Attend", inputs, 2, {1, 8, 1, 5}, {{"heads", 2}}), std::invalid_argument);
  EXPECT_THROW(run(Precision::fixed16, "Attend", inputs, 2, {1, 8, 1, 5}, {{"heads", 0}}), std::invalid_argument);
}

TEST(FeedForward, adds_two_layers_and_norms_the_whole) {
  constexpr std::size_t channels = 24, hidden = 70, count = 131;
  std::vector<Values> inputs{noise(channels * count, 1),  noise(channels, 2), noise(channels, 3),
                             noise(hidden * channels, 4), noise(hidden, 5),   noise(channels * hidden, 6),
                             noise(channels, 7)};
  for (bool smooth : {true, false})
    for (bool last : {false, true}) {
      auto inner = projected(normed(inputs[0], channels, inputs[1], inputs[2]), inputs[3].data(), inputs[4].data(),
                             hidden, channels);
      for (double& x : inner) x = smooth ? gelu(x) : std::max(x, 0.0);
      auto wanted = projected(inner, inputs[5].data(), inputs[6].data(), channels, hidden);
      double mean = 0, variance = 0;
      for (std::size_t i = 0; i < wanted.size(); ++i)
        wanted[i] += inputs[0][i], mean += wanted[i] / static_cast<double>(wanted.size());
      for (double x : wanted) variance += (x - mean) * (x - mean) / static_cast<double>(wanted.size());
      auto all = inputs;
      if (last) {
        all.push_back(noise(channels, 8)), all.push_back(noise(channels, 9));
        for (std::size_t i = 0; i < wanted.size(); ++i)
          wanted[i] = (wanted[i] - mean) / std::sqrt(variance + 1e-5) * all[7][i / count] + all[8][i / count];
      }
      expect_everywhere(wanted, "FeedForward", all, 1, {1, channels, 1, count}, {{"gelu", smooth}});
    }
}

TEST(Enter, norms_tokens_and_adds_their_places) {
  constexpr std::size_t channels = 20, count = 100;
  const std::vector<Values> inputs{noise(channels * count, 1, 5), noise(channels, 2), noise(channels, 3),
                                   noise(channels * count, 4)};
  auto wanted = normed(inputs[0], channels, inputs[1], inputs[2]);
  for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] += inputs[3][i];
  expect_everywhere(wanted, "Enter", inputs, 1, {1, channels, 1, count});
}

}  // namespace
}  // namespace toll::engines::htdemucs
