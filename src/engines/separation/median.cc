#include "engines/separation/median.h"

#include <algorithm>
#include <bit>

#include "engines/separation/parallel.h"

namespace toll::engines::separation {
namespace {
constexpr std::size_t lanes = 32;  // columns at once: all of them stay in the first-level cache
constexpr std::size_t rows_a_slice = 16;

std::vector<std::pair<std::size_t, std::size_t>> merge_exchange(std::size_t n) {
  std::vector<std::pair<std::size_t, std::size_t>> all;
  const std::size_t top = n < 2 ? 0 : std::bit_ceil(n) / 2;
  for (std::size_t p = top; p > 0; p /= 2) {
    std::size_t r = 0, d = p;
    for (std::size_t q = top;; q /= 2) {
      for (std::size_t i = 0; i + d < n; ++i)
        if ((i & p) == r) all.emplace_back(i, i + d);
      if (q == p) break;
      d = q - p;
      r = p;
    }
  }
  return all;
}

}  // namespace

MedianNetwork::MedianNetwork(std::size_t width) : width_(width) {
  std::vector<bool> needed(width, false);
  needed[(width - 1) / 2] = true;
  const auto all = merge_exchange(width);
  for (auto c = all.rbegin(); c != all.rend(); ++c) {
    if (!needed[c->first] && !needed[c->second]) continue;
    needed[c->first] = needed[c->second] = true;
    comparators_.push_back(*c);
  }
  std::reverse(comparators_.begin(), comparators_.end());
}

void MedianNetwork::operator()(const float* const* rows, std::size_t count, float* out) const {
  std::vector<float> block(width_ * lanes);
  for (std::size_t start = 0; start < count; start += lanes) {
    const std::size_t n = std::min(lanes, count - start);
    for (std::size_t k = 0; k < width_; ++k) std::copy_n(rows[k] + start, n, block.data() + k * lanes);
    for (auto [low, high] : comparators_) {
      float* __restrict a = block.data() + low * lanes;
      float* __restrict b = block.data() + high * lanes;
      for (std::size_t i = 0; i < lanes; ++i) {
        const float x = a[i], y = b[i];
        a[i] = x < y ? x : y;
        b[i] = x < y ? y : x;
      }
    }
    std::copy_n(block.data() + (width_ - 1) / 2 * lanes, n, out + start);
  }
}

Power median_along_time(const Power& in, std::size_t width, const std::stop_token& stop) {
  const MedianNetwork median(width);
  Power out(in.rows(), in.columns());
  const auto last = static_cast<std::ptrdiff_t>(in.rows()) - 1, half = static_cast<std::ptrdiff_t>(width / 2);
  parallel_for(in.rows(), rows_a_slice, stop, [&](std::size_t begin, std::size_t end) {
    std::vector<const float*> rows(width);
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t k = 0; k < width; ++k) {
        const auto at = static_cast<std::ptrdiff_t>(t + k) - half;
        rows[k] = in.row(static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(at, 0, last)));
      }
      median(rows.data(), in.columns(), out.row(t));
    }
  });
  return out;
}

Power median_along_frequency(const Power& in, std::size_t width, const std::stop_token& stop) {
  const MedianNetwork median(width);
  Power out(in.rows(), in.columns());
  const std::size_t half = width / 2;
  parallel_for(in.rows(), rows_a_slice, stop, [&](std::size_t begin, std::size_t end) {
    std::vector<float> padded(in.columns() + 2 * half);
    std::vector<const float*> shifted(width);
    for (std::size_t k = 0; k < width; ++k) shifted[k] = padded.data() + k;
    for (std::size_t t = begin; t < end; ++t) {
      const float* row = in.row(t);
      std::fill_n(padded.begin(), half, row[0]);
      std::copy_n(row, in.columns(), padded.begin() + static_cast<std::ptrdiff_t>(half));
      std::fill_n(padded.end() - static_cast<std::ptrdiff_t>(half), half, row[in.columns() - 1]);
      median(shifted.data(), in.columns(), out.row(t));
    }
  });
  return out;
}

}  // namespace toll::engines::separation
