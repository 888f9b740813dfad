#include "async/bells.h"

#include <gtest/gtest.h>

namespace toll::async {
namespace {

TEST(Bells, wakes_who_listens_to_the_topic_until_it_stops_listening) {
  Bells bells;
  int woken = 0;
  auto listening = bells.listen("a", bells.count(), [&] { ++woken; });
  EXPECT_EQ(woken, 0);
  bells.ring("a");
  EXPECT_EQ(woken, 1);
  listening.reset();
  bells.ring("a");
  EXPECT_EQ(woken, 1);
}

TEST(Bells, what_rang_while_somebody_looked_is_not_missed) {
  Bells bells;
  const auto heard = bells.count();
  bells.ring("a");
  int woken = 0;
  const auto listening = bells.listen("a", heard, [&] { ++woken; });
  EXPECT_EQ(woken, 1);
  const auto later = bells.listen("a", bells.count(), [&] { woken += 10; });
  EXPECT_EQ(woken, 1) << "an old ring wakes nobody who knows of it";
}

TEST(Bells, nobody_waits_once_it_is_closed) {
  Bells bells;
  int woken = 0;
  const auto before = bells.listen("a", bells.count(), [&] { ++woken; });
  bells.close();
  EXPECT_EQ(woken, 1);
  const auto after = bells.listen("b", bells.count(), [&] { ++woken; });
  EXPECT_EQ(woken, 2);
  EXPECT_TRUE(bells.closed());
}

}  // namespace
}  // namespace toll::async
