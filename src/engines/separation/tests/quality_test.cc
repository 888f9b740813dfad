// How much better each stem is than handing out the mix, on songs whose true stems are known. The margins stand a
// little below what was measured, so that a change for the worse shows.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "engines/separation/measure.h"
#include "engines/separation/spectral.h"
#include "engines/separation/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;
using Song = std::array<std::vector<float>, stem_count>;  // stems, interleaved

std::vector<float> sum_of(const Song& stems) {
  std::vector<float> mix(stems[0].size());
  for (const auto& stem : stems)
    for (std::size_t i = 0; i < mix.size(); ++i) mix[i] += stem[i];
  return mix;
}

void expect_gains(const Song& truth, const std::array<double, stem_count>& least) {
  const auto mix = sum_of(truth);
  const auto stems = separate_spectral(mix, {});
  for (std::size_t s = 0; s < stem_count; ++s) {
    const double gain = sdr(truth[s], stems[s]) - sdr(truth[s], mix);
    ::testing::Test::RecordProperty(stem_names[s], std::to_string(gain));
    EXPECT_GT(gain, least[s]) << stem_names[s];
  }
}

// Eight seconds that no sampled instrument plays: decaying noise as drums, a plucked saw as bass, detuned saws left and
// right, and a gliding, trembling formant voice in the centre.
class Synthesiser {
 public:
  static constexpr double rate = 44100;
  Song play() {
    for (auto& stem : song_) stem.assign(2 * 8 * 44100, 0.0f);
    for (int beat = 0; beat < 16; ++beat) {
      drum(0.5 * beat, beat % 2 ? 0.08 : 0.12, beat % 2 ? 0.0 : 60.0);
      drum(0.5 * beat + 0.25, 0.02, 0.0);
      const std::array<double, 4> roots{55.0, 65.4, 49.0, 73.4};
      tone(Stem::bass, 0.5 * beat, 0.45, roots[static_cast<std::size_t>(beat / 4)], 0.16, 0, 1.6, 3.0);
    }
    const std::array<std::array<double, 3>, 4> chords{
        {{220, 261.6, 329.6}, {261.6, 329.6, 392}, {196, 246.9, 293.7}, {220, 293.7, 349.2}}};
    for (std::size_t bar = 0; bar < 4; ++bar)
      for (std::size_t n = 0; n < 3; ++n)
        tone(Stem::other, 2.0 * static_cast<double>(bar), 1.95, chords[bar][n], 0.035, n % 2 ? 0.8 : -0.7, 1.3, 0.3);
    const std::array<double, 8> melody{330, 392, 440, 392, 370, 330, 294, 262};
    for (std::size_t n = 0; n < melody.size(); ++n) voice(0.9 * static_cast<double>(n) + 0.6, 0.8, melody[n]);
    return std::move(song_);
  }

 private:
  void add(Stem stem, std::size_t frame, double value, double pan) {
    auto& out = song_[static_cast<std::size_t>(stem)];
    if (2 * frame + 1 >= out.size()) return;
    out[2 * frame] += static_cast<float>(value * (1 - pan) / (1 + std::abs(pan)));
    out[2 * frame + 1] += static_cast<float>(value * (1 + pan) / (1 + std::abs(pan)));
  }
  void drum(double start, double decay, double pitch) {
    const auto hiss = noise(22050, static_cast<unsigned>(start * 1000) + 1, 1);
    for (std::size_t i = 0; i < hiss.size(); ++i) {
      const double t = static_cast<double>(i) / rate;
      const double body =
          pitch > 0 ? 0.5 * std::sin(2 * std::numbers::pi * pitch * (t + 0.02 * std::exp(-t / 0.02))) : 0;
      add(Stem::drums, static_cast<std::size_t>(start * rate) + i,
          (0.25 * hiss[i] * std::exp(-t / 0.015) + body) * std::exp(-t / decay) * 0.6, 0);
      add(Stem::drums, static_cast<std::size_t>(start * rate) + i, 0.12 * hiss[i] * std::exp(-t / (0.5 * decay)), 0.25);
    }
  }
  void tone(Stem stem, double start, double seconds, double pitch, double level, double pan, double tilt,
            double decay) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(seconds * rate); ++i) {
      const double t = static_cast<double>(i) / rate;
      double value = 0;
      for (int h = 1; h <= 16; ++h) value += std::sin(2 * std::numbers::pi * pitch * h * t + h) / std::pow(h, tilt);
      const double fade = std::min({1.0, t / 0.005, (seconds - t) / 0.02});
      add(stem, static_cast<std::size_t>(start * rate) + i, level * value * fade * std::exp(-decay * t), pan);
    }
  }
  void voice(double start, double seconds, double pitch) {
    double phase = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(seconds * rate); ++i) {
      const double t = static_cast<double>(i) / rate;
      const double now =
          pitch * (1 - 0.08 * std::exp(-t / 0.05)) * (1 + 0.012 * std::sin(2 * std::numbers::pi * 5.5 * t));
      phase += 2 * std::numbers::pi * now / rate;
      double value = 0;
      for (int h = 1; h <= 24; ++h) {
        const double hertz = now * h;
        const double formants = std::exp(-std::pow((hertz - 700) / 300, 2)) +
                                0.7 * std::exp(-std::pow((hertz - 1200) / 350, 2)) +
                                0.4 * std::exp(-std::pow((hertz - 2700) / 500, 2)) + 0.03;
        value += formants * std::sin(h * phase);
      }
      add(Stem::vocals, static_cast<std::size_t>(start * rate) + i,
          0.09 * value * std::min({1.0, t / 0.03, (seconds - t) / 0.05}), 0);
    }
  }

  Song song_;
};

TEST(Quality, of_every_stem_of_the_sample_is_far_above_the_mix) {
  Song truth;
  for (std::size_t s = 0; s < stem_count; ++s) truth[s] = sample_stem(stem_names[s]);
  expect_gains(truth, {8.0, 9.0, 10.5, 6.3});
}

TEST(Quality, of_every_stem_of_a_song_it_was_not_made_for_is_above_the_mix) {
  expect_gains(Synthesiser().play(), {7, 7, 17, 13});
}

}  // namespace
}  // namespace toll::engines::separation
