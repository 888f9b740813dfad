#include "engines/forensics/scoring.h"

#include <gtest/gtest.h>

#include "engines/forensics/grid.h"

namespace toll::engines::forensics {
namespace {

TEST(Scoring, confidence_follows_the_contract) {
  EXPECT_DOUBLE_EQ(judge(1, {}).confidence, 1);
  EXPECT_DOUBLE_EQ(judge(0.75, {}).confidence, 0.75);
  EXPECT_DOUBLE_EQ(judge(0, {}).confidence, 1);
  EXPECT_DOUBLE_EQ(judge(0.2, {.threshold = 0.8, .margin = 0.1}).confidence, 0.875);
  EXPECT_DOUBLE_EQ(judge(0.9, {.threshold = 0.8, .margin = 0.1}).confidence, 0.75);
  EXPECT_TRUE(judge(0.9, {.threshold = 0.8, .margin = 0.1}).fake);
}

TEST(Scoring, nearer_than_the_margin_is_inconclusive_and_not_fake) {
  for (double score : {0.41, 0.5, 0.59}) {
    const auto judgement = judge(score, {});
    EXPECT_EQ(judgement.verdict, Verdict::inconclusive);
    EXPECT_FALSE(judgement.fake);
    EXPECT_DOUBLE_EQ(judgement.confidence, 0.5);
    EXPECT_DOUBLE_EQ(real_percent(judgement), 50);
  }
  EXPECT_EQ(judge(0.6, {}).verdict, Verdict::fake);
  EXPECT_EQ(judge(0.4, {}).verdict, Verdict::real);
}

TEST(Scoring, real_percent_is_the_confidence_that_it_is_real) {
  EXPECT_DOUBLE_EQ(real_percent(judge(0.9, {})), 10);
  EXPECT_DOUBLE_EQ(real_percent(judge(0.1, {})), 90);
}

TEST(Scoring, one_fake_makes_the_film_fake) {
  const auto fake = judge(0.9, {}), real = judge(0.1, {}), unsure = judge(0.5, {});
  EXPECT_EQ(verdict_of_all({real, fake, unsure}), Verdict::fake);
  EXPECT_EQ(verdict_of_all({real, unsure}), Verdict::inconclusive);
  EXPECT_EQ(verdict_of_all({real, real}), Verdict::real);
  EXPECT_EQ(verdict_of_all({}), Verdict::inconclusive);
}

TEST(Scoring, similarity_is_never_negative_and_has_two_decimals) {
  EXPECT_DOUBLE_EQ(similarity_percent(-0.4), 0);
  EXPECT_DOUBLE_EQ(similarity_percent(0.876543), 87.65);
}

TEST(Scoring, evidence_adds_up_and_never_passes_one) {
  EXPECT_DOUBLE_EQ(combined({}), unsuspicious);
  EXPECT_DOUBLE_EQ(combined({{"a", 1, 0.5, ""}}), unsuspicious + (1 - unsuspicious) * 0.5);
  EXPECT_GT(combined({{"a", 1, 0.5, ""}, {"b", 1, 0.5, ""}}), combined({{"a", 1, 0.5, ""}}));
  EXPECT_LE(combined({{"a", 1, 1, ""}, {"b", 1, 1, ""}}), 1);
  EXPECT_DOUBLE_EQ(combined({{"a", 1, 0, ""}}), unsuspicious);
}

TEST(Outliers, one_region_of_some_size_is_a_foreign_part) {
  Grid grid = Grid::over(640, 640, 16);
  for (std::size_t i = 0; i < grid.values.size(); ++i) grid.values[i] = static_cast<float>(i % 7) * 0.01f;
  EXPECT_EQ(outliers(grid, 0.05).score, 0);
  for (int row = 10; row < 16; ++row)
    for (int column = 20; column < 27; ++column) grid.at(column, row) = 2;
  const auto found = outliers(grid, 0.05);
  EXPECT_GT(found.score, 0.8);
  ASSERT_EQ(found.regions.size(), 1u);
  EXPECT_EQ(found.regions.front().box.x1, 320);
  EXPECT_EQ(found.regions.front().box.y2, 256);
  grid.at(3, 3) = 2;  // one cell is noise
  EXPECT_EQ(outliers(grid, 0.05).regions.size(), 1u);
}

}  // namespace
}  // namespace toll::engines::forensics
