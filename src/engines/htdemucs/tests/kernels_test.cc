#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "engines/htdemucs/kernels/table.h"

namespace toll::engines::htdemucs::kernels {
namespace v2 {
extern const Table functions;
}
namespace v3 {
extern const Table functions;
}
namespace v4 {
extern const Table functions;
}

namespace {

std::vector<const Table*> usable() {
  std::vector<const Table*> all{&v2::functions};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(&v3::functions);
  if (&table() == &v4::functions) all.push_back(&v4::functions);
  return all;
}

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

}  // namespace
}  // namespace toll::engines::htdemucs::kernels
