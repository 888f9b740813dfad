#include "jobs/roster.h"

#include <gtest/gtest.h>

namespace toll::jobs {
namespace {

TEST(Roster, goes_on_calling_while_it_rings) {
  Roster roster(2);
  EXPECT_EQ(roster.call(), 2u);
  EXPECT_EQ(roster.call(), 0u) << "one call at a time";
  roster.ring();
  EXPECT_EQ(roster.answer({}), 2u);
  EXPECT_EQ(roster.call(), 0u) << "the next one is out already";
  EXPECT_EQ(roster.answer({}), 0u);
}

// Who closes waits for the slots, and they for this: nothing may come after it.
TEST(Roster, is_over_with_the_last_answer_once_it_is_closed) {
  Roster roster(2);
  EXPECT_EQ(roster.call(), 2u);
  roster.ring();
  roster.close();
  EXPECT_EQ(roster.answer({}), 0u);
  EXPECT_EQ(roster.take(), nullptr);
  EXPECT_EQ(roster.call(), 0u);
}

TEST(Roster, calls_again_after_a_call_that_failed) {
  Roster roster(1);
  EXPECT_EQ(roster.call(), 1u);
  roster.call_failed();
  EXPECT_EQ(roster.call(), 1u);
}

}  // namespace
}  // namespace toll::jobs
