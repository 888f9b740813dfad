#include "engines/htdemucs/overlap.h"

namespace toll::engines::htdemucs {
namespace {

std::vector<float> triangle(std::size_t length) {
  std::vector<float> weights(length);
  const std::size_t rise = length / 2;
  const float top = static_cast<float>(length - rise);
  for (std::size_t i = 0; i < length; ++i) weights[i] = static_cast<float>(i < rise ? i + 1 : length - i) / top;
  return weights;
}

}  // namespace

Overlap::Overlap(std::size_t segment, double overlap)
    : stride_(static_cast<std::int64_t>((1 - overlap) * static_cast<double>(segment))),
      triangle_(triangle(segment)),
      totals_(segment + static_cast<std::size_t>(stride_)),
      shares_(segment) {
  for (std::size_t first = 0; first < totals_.size(); first += static_cast<std::size_t>(stride_))
    for (std::size_t i = 0; i < segment && first + i < totals_.size(); ++i) totals_[first + i] += triangle_[i];
}

std::span<const float> Overlap::shares(std::int64_t first) {
  const auto segment = static_cast<std::int64_t>(triangle_.size());
  const auto all = static_cast<std::size_t>(segment + stride_);
  auto at = static_cast<std::size_t>(first < segment ? first : segment + (first - segment) % stride_);
  for (std::size_t i = 0; i < triangle_.size(); ++i) {
    shares_[i] = triangle_[i] / totals_[at];
    if (++at == all) at = static_cast<std::size_t>(segment);
  }
  return shares_;
}

}  // namespace toll::engines::htdemucs
