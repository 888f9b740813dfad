#include "engines/htdemucs/panel.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <stdexcept>

namespace toll::engines::htdemucs {

using kernels::columns;
using kernels::lines;

namespace {

std::size_t words_of(Precision precision, std::size_t k) {
  return precision == Precision::fixed16 ? (k + 1) / 2 : k;
}

// What a line is multiplied with to become 16 bits.
float line_factor(std::span<const float> line) {
  float largest = 1e-15f;
  for (std::size_t at = 0; at < line.size(); at += depth) {
    double squares = 0;
    for (float x : line.subspan(at, std::min(depth, line.size() - at))) {
      squares += static_cast<double>(x) * x;
      largest = std::max(largest, std::abs(x) * (line_limit / 32767));
    }
    largest = std::max(largest, static_cast<float>(std::sqrt(squares)));
  }
  return line_limit / largest;
}

float word_of(float low, float high) {
  const auto half = [](float x) { return static_cast<std::uint32_t>(std::lrintf(x)) & 0xffffu; };
  return std::bit_cast<float>(half(low) | half(high) << 16);
}

}  // namespace

float* at_least(std::vector<float>& values, std::size_t size) {
  if (values.size() < size) values = std::vector<float>(size);
  return values.data();
}

void Panel::assign(Precision precision, const float* staged, std::size_t k) {
  k_ = k;
  if (precision == Precision::float32) {
    words_ = staged;
    std::fill_n(scales_, width, 1.0f);
    return;
  }
  const auto& table = kernels::table();
  float* packed = at_least(packed_, words_of(precision, k) * width);
  for (std::size_t c = 0; c < width; c += columns) {
    float squares[columns] = {}, factors[columns];
    for (std::size_t at = 0; at < k; at += depth)
      table.squares(staged + at * width + c, width, std::min(depth, k - at), squares);
    for (std::size_t i = 0; i < columns; ++i) {
      const float norm = std::max(std::sqrt(squares[i]), 1e-15f);
      factors[i] = column_limit / norm;
      scales_[c + i] = norm / column_limit;
    }
    table.pack(staged + c, width, k, factors, packed + c, width);
  }
  words_ = packed;
}

Matrix::Matrix(Precision precision, std::span<const float> weights, std::span<const float> bias, std::size_t k)
    : precision_(precision), rows_(bias.size()), k_(k) {
  if (k == 0 || bias.empty() || weights.size() / k != rows_ || weights.size() % k != 0)
    throw std::invalid_argument("weights and bias do not fit together");
  const std::size_t padded = (rows_ + lines - 1) / lines * lines;
  bias_.assign(bias.begin(), bias.end());
  bias_.resize(padded);
  scales_.assign(padded, 1.0f);
  words_.resize(words_of(precision, k) * padded);
  pack(weights);
}

void Matrix::pack(std::span<const float> weights) {
  const bool fixed = precision_ == Precision::fixed16;
  for (std::size_t row = 0; row < rows_; ++row) {
    const auto line = weights.subspan(row * k_, k_);
    const float factor = fixed ? line_factor(line) : 1.0f;
    scales_[row] = 1 / factor;
    for (std::size_t at = 0; at < k_; at += depth) {
      const std::size_t count = std::min(depth, k_ - at), words = words_of(precision_, count);
      float* to = words_.data() + words_of(precision_, at) * bias_.size() + row / lines * words * lines + row % lines;
      for (std::size_t i = 0; i < words; ++i) {
        const float* from = line.data() + at + (fixed ? 2 * i : i);
        to[i * lines] = fixed ? word_of(from[0] * factor, 2 * i + 1 < count ? from[1] * factor : 0.0f) : *from;
      }
    }
  }
}

void Matrix::multiply(const Panel& panel, float* out) const {
  const auto run = precision_ == Precision::fixed16 ? kernels::table().multiply_fixed : kernels::table().multiply;
  const float* weights = words_.data();
  for (std::size_t at = 0; at < k_; at += depth) {
    const std::size_t words = words_of(precision_, std::min(depth, k_ - at));
    const float* from = panel.words() + words_of(precision_, at) * width;
    for (std::size_t row = 0; row < bias_.size(); row += lines, weights += words * lines)
      for (std::size_t c = 0; c < width; c += columns)
        run({weights, from + c, words, width, out + row * width + c, width, scales_.data() + row, panel.scales() + c,
             at == 0 ? bias_.data() + row : nullptr, nullptr});
  }
}

}  // namespace toll::engines::htdemucs
