#include "engines/separation/spectral.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engines/separation/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;

std::vector<float> sum_of(const std::array<std::vector<float>, stem_count>& stems) {
  std::vector<float> sum(stems[0].size());
  for (const auto& stem : stems)
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += stem[i];
  return sum;
}

TEST(Spectral, stems_sum_to_the_mix_whatever_the_length) {
  for (std::size_t frames : {1u, 2u, 1023u, 1024u, 1025u, 4096u, 4097u, 30'001u}) {
    const auto mix = noise(2 * frames, static_cast<unsigned>(frames), 0.9f);
    EXPECT_LT(largest_difference(mix, sum_of(separate_spectral(mix, {}))), 1e-4) << frames;
  }
}

TEST(Spectral, stems_sum_to_a_song) {
  const auto mix = sample_mix();
  EXPECT_LT(largest_difference(mix, sum_of(separate_spectral(mix, {}))), 1e-4);
}

TEST(Spectral, every_stem_is_finite_for_the_loudest_and_the_strangest) {
  std::vector<float> square(2 * 20'000), one_sided(2 * 20'000), click(2 * 20'000);
  for (std::size_t i = 0; i < square.size(); ++i) square[i] = i / 100 % 2 ? 16.0f : -16.0f;
  for (std::size_t i = 0; i < one_sided.size(); i += 2) one_sided[i] = square[i];
  click[20'000] = 1e-30f;
  for (const auto& mix : {square, one_sided, click, std::vector<float>(2 * 20'000)})
    for (const auto& stem : separate_spectral(mix, {}))
      for (float x : stem) ASSERT_TRUE(std::isfinite(x) && std::abs(x) < 64);
}

TEST(Spectral, silence_stays_silent) {
  for (const auto& stem : separate_spectral(std::vector<float>(2 * 10'000), {}))
    for (float x : stem) ASSERT_EQ(x, 0);
}

TEST(Spectral, is_the_same_on_every_run) {
  const auto mix = noise(2 * 60'000, 4);
  EXPECT_EQ(separate_spectral(mix, {}), separate_spectral(mix, {}));
}

TEST(Spectral, gives_nothing_after_a_stop_request) {
  std::stop_source stop;
  stop.request_stop();
  for (const auto& stem : separate_spectral(noise(2 * 10'000, 1), stop.get_token())) EXPECT_TRUE(stem.empty());
}

}  // namespace
}  // namespace toll::engines::separation
