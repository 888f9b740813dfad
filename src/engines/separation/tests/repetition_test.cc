#include "engines/separation/repetition.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engines/separation/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;

constexpr std::size_t frames = 200, bins = 513, period = 10;

// Ten different frames, over and over.
Power repeating() {
  const auto pattern = noise(period * bins, 4);
  Power out(frames, bins);
  for (std::size_t t = 0; t < frames; ++t)
    for (std::size_t f = 0; f < bins; ++f) out.row(t)[f] = std::abs(pattern[t % period * bins + f]);
  return out;
}
constexpr RepetitionOptions options{.bands = 32, .neighbours = 11, .distance = period / 2};

TEST(Repetition, finds_all_of_what_repeats) {
  const auto magnitude = repeating();
  const auto background = repeating_background(magnitude, options, {});
  EXPECT_LT(largest_difference({magnitude.row(0), frames * bins}, {background.row(0), frames * bins}), 1e-6);
}

TEST(Repetition, leaves_out_what_comes_once) {
  auto magnitude = repeating();
  const auto before = magnitude;
  for (std::size_t t = 93; t < 97; ++t)
    for (std::size_t f = 100; f < 110; ++f) magnitude.row(t)[f] += 0.7f;
  const auto background = repeating_background(magnitude, options, {});
  for (std::size_t t = 93; t < 97; ++t)
    for (std::size_t f = 100; f < 110; ++f) EXPECT_NEAR(background.row(t)[f], before.row(t)[f], 1e-6);
}

TEST(Repetition, is_never_louder_than_the_music) {
  Power magnitude(frames, bins);
  const auto values = noise(frames * bins, 5);
  for (std::size_t i = 0; i < values.size(); ++i) magnitude.row(0)[i] = std::abs(values[i]);
  const auto background = repeating_background(magnitude, {}, {});
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_LE(background.row(0)[i], magnitude.row(0)[i]);
}

TEST(Repetition, of_a_single_frame_is_that_frame) {
  Power one(1, bins);
  std::fill_n(one.row(0), bins, 0.25f);
  EXPECT_EQ(repeating_background(one, {}, {}).row(0)[7], 0.25f);
}

}  // namespace
}  // namespace toll::engines::separation
