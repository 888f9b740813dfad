// Each measurement on pictures whose history is known.
#include <gtest/gtest.h>

#include <cmath>

#include "engines/forensics/block_grid.h"
#include "engines/forensics/double_compression.h"
#include "engines/forensics/error_level.h"
#include "engines/forensics/noise.h"
#include "engines/forensics/spectrum.h"
#include "engines/forensics/tests/support.h"

namespace toll::engines::forensics {
namespace {

using tests::compressed;
using tests::paste;
using tests::piece;
using tests::scene;

// Where a foreign part is put: 160x160 of 768x512, off the grid of 8.
constexpr int part_x = 299, part_y = 187, part_side = 160;
const Box part{part_x, part_y, part_x + part_side, part_y + part_side};

Luma with_part(Luma whole, const Luma& from, int shift = 0) {
  paste(whole, piece(from, 96 + shift, 96 + shift, part_side, part_side), part_x, part_y);
  return whole;
}

TEST(DoubleCompression, is_seen_when_the_first_was_coarser) {
  const auto original = scene(768, 512, 1, 2);
  for (auto [first, last] : {std::pair{60, 90}, {75, 95}, {50, 75}}) {
    const auto table = ijg_luminance(last);
    const auto once = double_compression(compressed(original, table), table);
    const auto twice = double_compression(compressed(compressed(original, ijg_luminance(first)), table), table);
    EXPECT_LT(once.score, 0.1) << last << ": depth " << once.depth;
    EXPECT_GT(twice.score, 0.9) << first << ", " << last << ": depth " << twice.depth;
  }
}

TEST(DoubleCompression, finds_the_part_that_was_compressed_once) {
  const auto table = ijg_luminance(92);
  const auto before = compressed(scene(768, 512, 2, 2), ijg_luminance(60));
  const auto spliced = compressed(with_part(before, scene(768, 512, 3, 2)), table);
  const auto found = double_compression(spliced, table);
  ASSERT_FALSE(found.unmatched.regions.empty());
  EXPECT_GT(found.unmatched.score, 0.5);
  EXPECT_GT(overlap(found.unmatched.regions.front().box, part), 0.5);
  EXPECT_LT(double_compression(compressed(before, table), table).unmatched.score, 0.3);
}

TEST(BlockGrid, of_a_compressed_picture_is_found_where_it_lies) {
  const auto picture = compressed(scene(512, 512, 4, 2), ijg_luminance(50));
  const auto whole = block_grid(picture);
  EXPECT_EQ(whole.x, 0);
  EXPECT_EQ(whole.y, 0);
  const auto cropped = block_grid(piece(picture, 3, 5, 480, 480));
  EXPECT_EQ(cropped.x, 5);
  EXPECT_EQ(cropped.y, 3);
  EXPECT_GT(whole.strength, 3 * block_grid(scene(512, 512, 4, 2)).strength);
}

TEST(BlockGrid, a_part_with_a_grid_of_its_own_stands_out) {
  const auto background = compressed(scene(768, 512, 5, 2), ijg_luminance(50));
  const auto other = compressed(scene(768, 512, 6, 2), ijg_luminance(50));
  const auto spliced = block_grid(with_part(background, other));
  EXPECT_GT(spliced.shifted.score, 0.5);
  ASSERT_FALSE(spliced.shifted.regions.empty());
  EXPECT_GT(overlap(spliced.shifted.regions.front().box, part), 0.3);
  EXPECT_LT(block_grid(background).shifted.score, 0.2);
}

TEST(ErrorLevel, of_a_part_that_was_never_compressed_is_higher) {
  const auto background = compressed(scene(768, 512, 7, 2), ijg_luminance(55));
  const auto levels = error_levels(with_part(background, scene(768, 512, 8, 2)));
  double inside = 0, outside = 0;
  int in = 0, out = 0;
  for (int row = 0; row < levels.rows; ++row)
    for (int column = 0; column < levels.columns; ++column) {
      const float value = levels.at(column, row);
      if (std::isnan(value)) continue;
      const int x = column * levels.cell, y = row * levels.cell;
      const bool within = x >= part.x1 && y >= part.y1 && x + levels.cell <= part.x2 && y + levels.cell <= part.y2;
      within ? (inside += value, ++in) : (outside += value, ++out);
    }
  EXPECT_GT(inside / in, outside / out + 0.5);
  EXPECT_GT(error_level_inconsistency(with_part(background, scene(768, 512, 8, 2))).score, 0.5);
  EXPECT_LT(error_level_inconsistency(background).score, 0.3);
}

TEST(Noise, level_is_that_which_was_added) {
  for (double deviation : {2.0, 5.0})
    EXPECT_NEAR(noise_level(scene(512, 512, 9, deviation)), deviation, 0.35 * deviation);
}

TEST(Noise, a_smoother_part_stands_out) {
  const auto found = noise_inconsistency(with_part(scene(768, 512, 10, 14), scene(768, 512, 11, 1)));
  EXPECT_GT(found.score, 0.5);
  ASSERT_FALSE(found.regions.empty());
  EXPECT_GT(overlap(found.regions.front().box, part), 0.4);
  EXPECT_LT(noise_inconsistency(scene(768, 512, 10, 14)).score, 0.2);
}

TEST(Spectrum, peaks_where_a_regular_pattern_lies) {
  auto patterned = scene(512, 512, 12, 3);
  EXPECT_LT(spectrum_of(patterned).peak_score, 0.2);
  constexpr double fx = 0.29, fy = 0.21;
  for (int y = 0; y < patterned.height; ++y)
    for (int x = 0; x < patterned.width; ++x) {
      auto& value = patterned.values[static_cast<std::size_t>(y) * patterned.width + x];
      value = static_cast<std::uint8_t>(std::clamp(value + 5 * std::sin(2 * M_PI * (fx * x + fy * y)), 0.0, 255.0));
    }
  const auto spectrum = spectrum_of(patterned);
  EXPECT_GT(spectrum.peak_score, 0.8);
  ASSERT_FALSE(spectrum.peaks.empty());
  EXPECT_NEAR(spectrum.peaks.front().x, fx, 0.02);
  EXPECT_NEAR(spectrum.peaks.front().y, fy, 0.02);
}

TEST(Spectrum, repeats_itself_after_upsampling_by_repetition) {
  const auto small = scene(256, 256, 13, 4);
  Luma large{512, 512, {}};
  for (int y = 0; y < 512; ++y)
    for (int x = 0; x < 512; ++x) large.values.push_back(small.at(x / 2, y / 2));
  EXPECT_LT(spectrum_of(large).tail, spectrum_of(scene(512, 512, 13, 4)).tail - 0.3);
}

TEST(Spectrum, of_jpegs_own_grid_is_no_peak) {
  EXPECT_LT(spectrum_of(compressed(scene(512, 512, 14, 3), ijg_luminance(75))).peak_score, 0.3);
}

}  // namespace
}  // namespace toll::engines::forensics
