#include "engines/separation/spectral.h"

#include <algorithm>
#include <cmath>

#include "engines/separation/median.h"
#include "engines/separation/parallel.h"
#include "engines/separation/repetition.h"
#include "engines/separation/separation.h"
#include "engines/separation/spatial.h"
#include "engines/separation/stft.h"

namespace toll::engines::separation {
namespace {

constexpr std::size_t window = 4096;
constexpr std::size_t rows_a_slice = 16;

const Stft& transform() {
  static const Stft stft(window, spectral_hop);
  return stft;
}

float square(float x) {
  return x * x;
}

float frequency_of(std::size_t bin) {
  return static_cast<float>(bin) * sample_rate / static_cast<float>(window);
}

// 1 below `low`, 0 above `high`, a raised cosine on the logarithmic axis between them.
float below(float frequency, float low, float high) {
  if (frequency <= low) return 1;
  if (frequency >= high) return 0;
  const float x = std::log(frequency / low) / std::log(high / low);
  return 0.5f + 0.5f * std::cos(3.14159265f * x);
}

struct Features {
  Power magnitude;             // of both channels
  Power harmonic, percussive;  // medians
  Power centre;                // 0..1
  Power background;            // repeating
};

Features features_of(const Stereo& mix, const std::stop_token& stop) {
  const std::size_t frames = mix.left.rows(), bins = mix.left.columns();
  Features out{Power(frames, bins), {}, {}, Power(frames, bins), {}};
  Power mid(frames, bins);
  parallel_for(frames, rows_a_slice, stop, [&](std::size_t begin, std::size_t end) {
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t f = 0; f < bins; ++f) {
        const auto l = mix.left.row(t)[f], r = mix.right.row(t)[f];
        const float m = std::norm(l + r) / 4, s = std::norm(l - r) / 4;
        out.magnitude.row(t)[f] = std::sqrt(m + s);
        mid.row(t)[f] = std::sqrt(m);
        out.centre.row(t)[f] = std::max(0.0f, m - s) / (m + s + 1e-12f);
      }
    }
  });
  out.harmonic = median_along_time(out.magnitude, 17, stop);
  out.percussive = median_along_frequency(out.magnitude, 17, stop);
  out.background = repeating_background(mid, {}, stop);
  return out;
}

std::vector<Source> models_of(const Features& x, const std::stop_token& stop) {
  const std::size_t frames = x.magnitude.rows(), bins = x.magnitude.columns();
  std::vector<Source> sources(stem_count);
  for (auto& source : sources) source = {Power(frames, bins), centred(bins, 0.5f)};
  sources[std::size_t(Stem::bass)].covariance = centred(bins, 0.05f);
  sources[std::size_t(Stem::vocals)].covariance = centred(bins, 0.05f);
  parallel_for(frames, rows_a_slice, stop, [&](std::size_t begin, std::size_t end) {
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t f = 0; f < bins; ++f) {
        const float power = square(x.magnitude.row(t)[f]);
        const float h = square(x.harmonic.row(t)[f]), p = square(x.percussive.row(t)[f]);
        const float percussive = p / (h + p + 1e-12f), harmonic = 1 - percussive;
        const float hz = frequency_of(f);
        const float low = below(hz, 110, 320);
        const float centre = square(x.centre.row(t)[f]);
        const float fresh = 1 - x.background.row(t)[f] / (std::sqrt(power) + 1e-9f);
        const float voice = (1 - below(hz, 90, 200)) * centre * (0.3f + 0.7f * fresh);
        sources[std::size_t(Stem::drums)].power.row(t)[f] = square(percussive) * power;
        sources[std::size_t(Stem::bass)].power.row(t)[f] = square(harmonic * low) * power;
        sources[std::size_t(Stem::vocals)].power.row(t)[f] = square(harmonic * (1 - low) * voice) * power;
        sources[std::size_t(Stem::other)].power.row(t)[f] = square(harmonic * (1 - low) * (1 - voice)) * power;
      }
    }
  });
  return sources;
}

}  // namespace

std::array<std::vector<float>, stem_count> separate_spectral(std::span<const float> stereo,
                                                             const std::stop_token& stop) {
  const std::size_t frames = stereo.size() / 2;
  std::vector<float> left(frames), right(frames);
  for (std::size_t i = 0; i < frames; ++i) {
    left[i] = stereo[2 * i];
    right[i] = stereo[2 * i + 1];
  }
  Stereo mix{transform().forward(left, stop), transform().forward(right, stop)};
  const auto features = features_of(mix, stop);
  auto sources = models_of(features, stop);
  refine(mix, sources, {true, false, false, true}, stop);
  whiten(mix, sources, stop);

  std::array<std::vector<float>, stem_count> stems;
  auto& rest = stems[std::size_t(Stem::other)];  // what the others leave: the sum is exact
  rest.assign(stereo.begin(), stereo.end());
  for (Stem stem : {Stem::bass, Stem::drums, Stem::vocals}) {
    const auto image = image_of(sources[std::size_t(stem)], mix, stop);
    const auto l = transform().inverse(image.left, frames, stop), r = transform().inverse(image.right, frames, stop);
    auto& out = stems[std::size_t(stem)];
    out.resize(stereo.size());
    for (std::size_t i = 0; i < frames; ++i) {
      rest[2 * i] -= out[2 * i] = l[i];
      rest[2 * i + 1] -= out[2 * i + 1] = r[i];
    }
  }
  if (stop.stop_requested()) return {};
  return stems;
}

}  // namespace toll::engines::separation
