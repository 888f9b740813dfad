#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "engines/htdemucs/kernels/table.h"

namespace toll::engines::htdemucs::kernels {
namespace {

std::vector<float> noise(std::size_t count, unsigned seed, float size = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-size, size);
  std::vector<float> out(count);
  for (float& x : out) x = uniform(random);
  return out;
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

TEST(Kernels, of_this_processor_are_the_best_it_can_run) {
  ASSERT_FALSE(usable().empty());
  EXPECT_EQ(&table(), usable().back());
}

TEST(Kernels, compute_the_same_on_every_processor) {
  for (const auto* t : usable()) {
    for (std::size_t count : {1u, 5u, 16u, 37u, 5000u}) {
      const auto x = noise(count, 1, 8), a = noise(count, 2), gates = noise(count, 3, 30);
      std::vector<float> gelu(count), gate(count), added(count);
      t->gelu(x.data(), gelu.data(), count, 0.5f, 0.25f);
      t->gate(a.data(), gates.data(), gate.data(), count);
      t->add_gated(x.data(), a.data(), gates.data(), 0.3f, added.data(), count);
      double sum = 0, squares = 0, wanted_sum = 0, wanted_squares = 0, wanted_dot = 0;
      t->sums(x.data(), count, &sum, &squares);
      for (std::size_t i = 0; i < count; ++i) {
        const double z = 0.5 * x[i] + 0.25;
        ASSERT_NEAR(gelu[i], 0.5 * z * (1 + std::erf(z / std::sqrt(2.0))), 2e-6) << z;
        ASSERT_NEAR(gate[i], a[i] * sigmoid(gates[i]), 1e-6);
        ASSERT_NEAR(added[i], x[i] + 0.3 * a[i] * sigmoid(gates[i]), 2e-6);
        wanted_sum += x[i], wanted_squares += static_cast<double>(x[i]) * x[i],
            wanted_dot += static_cast<double>(x[i]) * a[i];
      }
      EXPECT_NEAR(sum, wanted_sum, 1e-2);
      EXPECT_NEAR(squares, wanted_squares, 1e-5 * wanted_squares + 1e-3);
      EXPECT_NEAR(t->dot(x.data(), a.data(), count), wanted_dot, 1e-2);
    }
  }
}

TEST(Kernels, multiply_a_block_on_every_processor) {
  constexpr std::size_t k = 29, stride = columns + 3;
  const auto weights = noise(k * rows, 4), bias = noise(rows, 5), data = noise(k * columns, 6);
  std::vector<const float*> sources;
  for (std::size_t i = 0; i < k; ++i) sources.push_back(data.data() + i * columns);
  for (const auto* t : usable()) {
    std::vector<float> out(rows * stride);
    t->block(weights.data(), bias.data(), k, sources.data(), out.data(), stride);
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c) {
        double wanted = bias[r];
        for (std::size_t i = 0; i < k; ++i) wanted += static_cast<double>(weights[i * rows + r]) * sources[i][c];
        ASSERT_NEAR(out[r * stride + c], wanted, 1e-5);
      }
  }
}

// Words of two whole numbers of 16 bits.
std::vector<float> words(std::size_t count, unsigned seed, int size) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> whole(-size, size);
  std::vector<float> out(count);
  for (float& x : out)
    x = std::bit_cast<float>((static_cast<std::uint32_t>(whole(random)) & 0xffffu) |
                             static_cast<std::uint32_t>(whole(random)) << 16);
  return out;
}
std::int64_t low(float word) {
  return static_cast<std::int16_t>(std::bit_cast<std::uint32_t>(word) & 0xffffu);
}
std::int64_t high(float word) {
  return static_cast<std::int16_t>(std::bit_cast<std::uint32_t>(word) >> 16);
}

TEST(Kernels, multiply_in_fixed_point_without_any_error_on_every_processor) {
  constexpr std::size_t k = 128, stride = columns + 16;
  // 256 products of at most 2047^2 fit 32 bits.
  const auto weights = words(k * lines, 7, 2047), panel = words(k * stride, 8, 2047);
  const std::vector<float> one(columns, 1.0f), bias(lines, 0.0f);
  for (const auto* t : usable()) {
    std::vector<float> out(lines * stride);
    t->multiply_fixed(
        {weights.data(), panel.data(), k, stride, out.data(), stride, one.data(), one.data(), bias.data(), nullptr});
    for (std::size_t r = 0; r < lines; ++r)
      for (std::size_t c = 0; c < columns; ++c) {
        std::int64_t wanted = 0;
        for (std::size_t i = 0; i < k; ++i) {
          const float w = weights[i * lines + r], x = panel[i * stride + c];
          wanted += low(w) * low(x) + high(w) * high(x);
        }
        ASSERT_EQ(out[r * stride + c], static_cast<float>(wanted)) << t->name;
      }
  }
}

TEST(Kernels, multiply_and_scale_on_every_processor) {
  constexpr std::size_t k = 37;
  const auto weights = noise(k * lines, 9), panel = noise(k * columns, 10), before = noise(lines * columns, 11),
             line_scales = noise(lines, 12), column_scales = noise(columns, 13), keep = noise(columns, 14),
             bias = noise(lines, 15);
  for (const auto* t : usable()) {
    for (bool fresh : {true, false}) {
      auto out = before;
      t->multiply({weights.data(), panel.data(), k, columns, out.data(), columns, line_scales.data(),
                   column_scales.data(), fresh ? bias.data() : nullptr, keep.data()});
      for (std::size_t r = 0; r < lines; ++r)
        for (std::size_t c = 0; c < columns; ++c) {
          double sum = 0;
          for (std::size_t i = 0; i < k; ++i)
            sum += static_cast<double>(weights[i * lines + r]) * panel[i * columns + c];
          const double held = fresh ? bias[r] : static_cast<double>(before[r * columns + c]) * keep[c];
          ASSERT_NEAR(out[r * columns + c], held + sum * line_scales[r] * column_scales[c], 1e-5) << t->name;
        }
    }
  }
}

TEST(Kernels, pack_to_the_nearest_whole_number_on_every_processor) {
  for (std::size_t k : {1u, 2u, 7u}) {
    const auto in = noise(k * columns, 16), factors = noise(columns, 17, 32767);
    for (const auto* t : usable()) {
      std::vector<float> packed((k + 1) / 2 * columns);
      t->pack(in.data(), columns, k, factors.data(), packed.data(), columns);
      for (std::size_t i = 0; i < (k + 1) / 2 * 2; ++i)
        for (std::size_t c = 0; c < columns; ++c) {
          const float word = packed[i / 2 * columns + c];
          const double wanted = i < k ? static_cast<double>(in[i * columns + c]) * factors[c] : 0.0;
          ASSERT_NEAR(static_cast<double>(i % 2 ? high(word) : low(word)), wanted, 0.51) << t->name;
        }
    }
  }
}

TEST(Kernels, normalise_columns_on_every_processor) {
  constexpr std::size_t k = 65;
  const auto in = noise(k * columns, 18, 3), gamma = noise(k, 19), beta = noise(k, 20);
  for (const auto* t : usable()) {
    std::vector<float> out(k * columns), largest(columns, 1.0f);
    t->normalise(in.data(), columns, k, gamma.data(), beta.data(), out.data(), columns);
    t->squares(in.data(), columns, k, largest.data());
    for (std::size_t c = 0; c < columns; ++c) {
      double mean = 0, squares = 0, variance = 0;
      for (std::size_t i = 0; i < k; ++i) mean += in[i * columns + c] / static_cast<double>(k);
      for (std::size_t i = 0; i < k; ++i) {
        squares += static_cast<double>(in[i * columns + c]) * in[i * columns + c];
        variance += (in[i * columns + c] - mean) * (in[i * columns + c] - mean) / static_cast<double>(k);
      }
      ASSERT_NEAR(largest[c], squares, 1e-4 * squares) << t->name;
      for (std::size_t i = 0; i < k; ++i)
        ASSERT_NEAR(out[i * columns + c],
                    (in[i * columns + c] - mean) / std::sqrt(variance + 1e-5) * gamma[i] + beta[i], 1e-5)
            << t->name;
    }
  }
}

TEST(Kernels, soften_scores_in_parts_as_in_one_on_every_processor) {
  constexpr std::size_t keys = 61, first = 40;
  const auto scores = noise(keys * columns, 21, 40);
  for (const auto* t : usable()) {
    Softmax softmax;
    std::fill_n(softmax.maxima, columns, -1e30f);
    std::fill_n(softmax.sums, columns, 0.0f);
    auto parts = scores;
    t->soften(parts.data(), first, softmax);
    const Softmax before = softmax;
    t->soften(parts.data() + first * columns, keys - first, softmax);
    for (std::size_t c = 0; c < columns; ++c) {
      double largest = -1e9, sum = 0;
      for (std::size_t i = 0; i < keys; ++i) largest = std::max<double>(largest, scores[i * columns + c]);
      for (std::size_t i = 0; i < keys; ++i) sum += std::exp2(scores[i * columns + c] - largest);
      EXPECT_EQ(softmax.maxima[c], static_cast<float>(largest)) << t->name;
      ASSERT_NEAR(softmax.sums[c], sum, 1e-6 * sum) << t->name;
      for (std::size_t i = 0; i < keys; ++i) {
        const double share = i < first ? before.fresh[c] * softmax.keep[c] * parts[i * columns + c]
                                       : softmax.fresh[c] * parts[i * columns + c];
        ASSERT_NEAR(share, std::exp2(scores[i * columns + c] - largest), 1e-6) << t->name;
      }
    }
  }
}

}  // namespace
}  // namespace toll::engines::htdemucs::kernels
