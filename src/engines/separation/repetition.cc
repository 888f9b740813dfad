#include "engines/separation/repetition.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "engines/separation/median.h"
#include "engines/separation/parallel.h"

namespace toll::engines::separation {
namespace {

constexpr std::size_t frames_a_slice = 16;

// Rows of unit length: the compressed energy of logarithmically spaced bands, less its mean.
Power band_profiles(const Power& magnitude, std::size_t bands) {
  std::vector<std::size_t> edges(bands + 1);
  const double top = static_cast<double>(magnitude.columns());
  for (std::size_t b = 0; b <= bands; ++b)
    edges[b] = static_cast<std::size_t>(std::pow(top, static_cast<double>(b) / static_cast<double>(bands)));
  Power profiles(magnitude.rows(), bands);
  for (std::size_t t = 0; t < magnitude.rows(); ++t) {
    float* profile = profiles.row(t);
    for (std::size_t b = 0; b < bands; ++b) {
      const float* row = magnitude.row(t);
      const std::size_t end = std::min(std::max(edges[b + 1], edges[b] + 1), magnitude.columns());
      const std::size_t begin = std::min(edges[b], end - 1);
      profile[b] = std::sqrt(std::accumulate(row + begin, row + end, 0.0f) / static_cast<float>(end - begin));
    }
    const float mean = std::accumulate(profile, profile + bands, 0.0f) / static_cast<float>(bands);
    float norm = 0;
    for (std::size_t b = 0; b < bands; ++b) {
      profile[b] -= mean;
      norm += profile[b] * profile[b];
    }
    norm = norm > 0 ? 1 / std::sqrt(norm) : 0;
    for (std::size_t b = 0; b < bands; ++b) profile[b] *= norm;
  }
  return profiles;
}

// The frames most like frame t, itself first, no two closer than `distance`.
std::vector<std::size_t> most_similar(const Power& profiles, std::size_t t, const RepetitionOptions& options) {
  std::vector<float> likeness(profiles.rows());
  for (std::size_t u = 0; u < profiles.rows(); ++u)
    likeness[u] = std::inner_product(profiles.row(t), profiles.row(t) + profiles.columns(), profiles.row(u), 0.0f);
  std::vector<std::size_t> chosen;
  const auto first = likeness.begin();
  for (auto best = first + static_cast<std::ptrdiff_t>(t); chosen.size() < options.neighbours;
       best = std::max_element(first, likeness.end())) {
    if (*best < -1) break;  // nothing is left
    const auto at = static_cast<std::size_t>(best - first);
    chosen.push_back(at);
    const std::size_t from = at < options.distance ? 0 : at - options.distance;
    std::fill(first + static_cast<std::ptrdiff_t>(from),
              first + static_cast<std::ptrdiff_t>(std::min(at + options.distance + 1, likeness.size())), -2.0f);
  }
  return chosen;
}

}  // namespace

Power repeating_background(const Power& magnitude, const RepetitionOptions& options, const std::stop_token& stop) {
  Power background(magnitude.rows(), magnitude.columns());
  if (stop.stop_requested()) return background;
  const Power profiles = band_profiles(magnitude, options.bands);
  std::vector<MedianNetwork> medians;
  for (std::size_t width = 1; width <= options.neighbours; ++width) medians.emplace_back(width);
  parallel_for(magnitude.rows(), frames_a_slice, stop, [&](std::size_t begin, std::size_t end) {
    std::vector<const float*> rows;
    for (std::size_t t = begin; t < end; ++t) {
      const auto similar = most_similar(profiles, t, options);
      rows.clear();
      for (std::size_t u : similar) rows.push_back(magnitude.row(u));
      float* out = background.row(t);
      medians[rows.size() - 1](rows.data(), magnitude.columns(), out);
      const float* own = magnitude.row(t);
      for (std::size_t f = 0; f < magnitude.columns(); ++f) out[f] = std::min(out[f], own[f]);
    }
  });
  return background;
}

}  // namespace toll::engines::separation
