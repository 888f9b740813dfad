#include "engines/forensics/blocks.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace toll::engines::forensics {
namespace {

constexpr QuantisationTable k1{16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                               14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                               18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                               49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};

// basis[u][x] = C(u) / 2 cos((2 x + 1) u pi / 16)
std::array<Block::value_type, 64> make_basis() {
  std::array<float, 64> basis{};
  for (int u = 0; u < 8; ++u)
    for (int x = 0; x < 8; ++x)
      basis[static_cast<std::size_t>(u * 8 + x)] = static_cast<float>(
          (u == 0 ? std::numbers::sqrt2 / 2 : 1.0) / 2 * std::cos((2 * x + 1) * u * std::numbers::pi / 16));
  return basis;
}

}  // namespace

const std::array<std::uint8_t, 64> zigzag{0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                          12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                          35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                          58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

Block transform(const Luma& luma, int x, int y) {
  static const auto basis = make_basis();
  std::array<float, 64> rows{};  // transformed along x: [line][u]
  for (std::size_t line = 0; line < 8; ++line) {
    const auto* pixel = luma.values.data() + (static_cast<std::size_t>(y) + line) * luma.width + x;
    std::array<float, 8> value;
    for (std::size_t i = 0; i < 8; ++i) value[i] = static_cast<float>(pixel[i]) - 128;
    for (std::size_t u = 0; u < 8; ++u) {
      float sum = 0;
      for (std::size_t i = 0; i < 8; ++i) sum += basis[u * 8 + i] * value[i];
      rows[line * 8 + u] = sum;
    }
  }
  Block out{};
  for (std::size_t v = 0; v < 8; ++v)
    for (std::size_t line = 0; line < 8; ++line)
      for (std::size_t u = 0; u < 8; ++u) out[v * 8 + u] += basis[v * 8 + line] * rows[line * 8 + u];
  return out;
}

QuantisationTable ijg_luminance(int quality) {
  const int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  QuantisationTable out;
  std::ranges::transform(k1, out.begin(), [&](int value) {
    return static_cast<std::uint16_t>(std::clamp((value * scale + 50) / 100, 1, 255));
  });
  return out;
}

std::optional<int> ijg_quality(const QuantisationTable& table) {
  for (int quality = 100; quality >= 1; --quality)
    if (ijg_luminance(quality) == table) return quality;
  return std::nullopt;
}

}  // namespace toll::engines::forensics
