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
// Found by trial on the sample and on the song of tests/quality_test.cc; README.md says what each costs or brings.
constexpr std::size_t harmonic_frames = 11;          // 0.26 s: what lasts longer is harmonic
constexpr std::size_t percussive_bins = 31;          // 330 Hz: what is broader is percussive
constexpr float bass_full = 140, bass_none = 300;    // Hz
constexpr float voice_none = 100, voice_full = 220;  // Hz
constexpr float repeated_voice = 0.2f;               // share of what repeats in the centre that is voice all the same
constexpr float consonants = 0.7f;                   // share of fresh percussive sound in the centre that is voice
constexpr RepetitionOptions repetition{.bands = 96, .neighbours = 15, .distance = 40};

const Stft& transform() {
  static const Stft stft(window, spectral_hop);
  return stft;
}

constexpr float tiny = 1e-9f;  // keeps quotients of silence finite

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
        out.centre.row(t)[f] = std::max(0.0f, m - s) / (m + s + tiny);
      }
    }
  });
  if (stop.stop_requested()) return {};
  out.harmonic = median_along_time(out.magnitude, harmonic_frames, stop);
  out.percussive = median_along_frequency(out.magnitude, percussive_bins, stop);
  out.background = repeating_background(mid, repetition, stop);
  return out;
}

// The power of a source that has this share of a bin's magnitude: sharper than the share itself, softer than its
// square.
float power_of(float share, float power) {
  return share * std::sqrt(share) * power;
}

// First guess of what each stem is made of; the shares of a bin sum to 1.
std::vector<Source> models_of(const Features& x, const std::stop_token& stop) {
  const std::size_t frames = x.magnitude.rows(), bins = x.magnitude.columns();
  std::vector<Source> sources(stem_count);
  for (Stem stem : {Stem::bass, Stem::drums, Stem::other, Stem::vocals}) {
    const bool centre = stem == Stem::bass || stem == Stem::vocals;
    sources[std::size_t(stem)] = {Power(frames, bins), centred(bins, centre ? 0.05f : 0.5f)};
  }
  std::vector<float> low(bins), high(bins);
  for (std::size_t f = 0; f < bins; ++f) {
    low[f] = below(frequency_of(f), bass_full, bass_none);
    high[f] = 1 - below(frequency_of(f), voice_none, voice_full);
  }
  parallel_for(frames, rows_a_slice, stop, [&](std::size_t begin, std::size_t end) {
    for (std::size_t t = begin; t < end; ++t) {
      float* bass = sources[std::size_t(Stem::bass)].power.row(t);
      float* drums = sources[std::size_t(Stem::drums)].power.row(t);
      float* other = sources[std::size_t(Stem::other)].power.row(t);
      float* vocals = sources[std::size_t(Stem::vocals)].power.row(t);
      for (std::size_t f = 0; f < bins; ++f) {
        const float magnitude = x.magnitude.row(t)[f], power = square(magnitude);
        const float h = square(x.harmonic.row(t)[f]), p = square(x.percussive.row(t)[f]);
        const float percussive = p / (h + p + tiny), harmonic = 1 - percussive;
        const float fresh = 1 - x.background.row(t)[f] / (magnitude + tiny);
        const float c = x.centre.row(t)[f], centre = c * c * c * high[f];
        const float consonant = percussive * consonants * fresh * centre;
        const float sung = centre * (repeated_voice + (1 - repeated_voice) * fresh);
        drums[f] = power_of(percussive - consonant, power);
        bass[f] = power_of(harmonic * low[f], power);
        vocals[f] = power_of(harmonic * (1 - low[f]) * sung + consonant, power);
        other[f] = power_of(harmonic * (1 - low[f]) * (1 - sung), power);
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
  // Even a stage that does nothing allocates: stopping takes a look between them.
  if (stop.stop_requested()) return {};
  const auto features = features_of(mix, stop);
  if (stop.stop_requested()) return {};
  auto sources = models_of(features, stop);
  refine(mix, sources, stop);
  whiten(mix, sources, stop);

  std::array<std::vector<float>, stem_count> stems;
  auto& rest = stems[std::size_t(Stem::other)];  // what the others leave: the sum is exact
  rest.assign(stereo.begin(), stereo.end());
  for (Stem stem : {Stem::bass, Stem::drums, Stem::vocals}) {
    if (stop.stop_requested()) return {};
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
