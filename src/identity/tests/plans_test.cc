#include "identity/plans.h"

#include <gtest/gtest.h>

namespace toll::identity {
namespace {

using metering::Limits;

TEST(Plans, are_found_by_their_names_and_rise) {
  for (auto plan : all_plans) EXPECT_EQ(plan_from(to_string(plan)), plan);
  EXPECT_FALSE(plan_from("gold"));
  EXPECT_FALSE(plan_from("Free"));
  for (std::size_t i = 1; i < all_plans.size(); ++i) {
    const auto low = limits_of(all_plans[i - 1]), high = limits_of(all_plans[i]);
    EXPECT_LT(all_plans[i - 1], all_plans[i]);
    EXPECT_LT(low.minute, high.minute);
    EXPECT_LT(low.hour, high.hour);
    EXPECT_LT(low.day, high.day);
  }
}

TEST(Plans, have_the_documented_limits) {
  EXPECT_EQ(limits_of(Plan::free), (Limits{10, 100, 1'000}));
  EXPECT_EQ(limits_of(Plan::starter), (Limits{60, 1'000, 10'000}));
  EXPECT_EQ(limits_of(Plan::pro), (Limits{300, 10'000, 100'000}));
}

TEST(Plans, limits_of_an_account_count_on_enterprise_only) {
  const OwnLimits own{.minute = 5, .hour = {}, .day = 7'000'000};
  EXPECT_EQ(plan_limits(Plan::enterprise, own), (Limits{5, 100'000, 7'000'000}));
  EXPECT_EQ(plan_limits(Plan::pro, own), limits_of(Plan::pro));
}

TEST(Plans, limits_of_a_key_only_lower_those_of_the_plan) {
  const auto allowed = limits_of(Plan::starter);
  EXPECT_EQ(lowered(allowed, {}), allowed);
  EXPECT_EQ(lowered(allowed, {.minute = 3, .hour = 5'000, .day = {}}), (Limits{3, 1'000, 10'000}));
}

TEST(Plans, open_thirteen_scopes) {
  EXPECT_EQ(planned_scopes.size(), 13u);
  EXPECT_EQ(lowest_plan("read:tracks"), Plan::free);
  EXPECT_EQ(lowest_plan("write:audio_features"), Plan::starter);
  EXPECT_EQ(lowest_plan("admin:billing"), Plan::pro);
  EXPECT_FALSE(lowest_plan("bogus:scope"));
  EXPECT_FALSE(lowest_plan(""));
}

}  // namespace
}  // namespace toll::identity
