#include "metering/usage/tally.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace toll::metering {
namespace {

TEST(Tally, bins_are_within_two_percent_of_what_they_hold) {
  for (std::int64_t value = 0; value < std::int64_t{1} << 40; value += 1 + value / 97) {
    const auto middle = middle_of_bin(duration_bin(Micros(value)));
    ASSERT_LE(std::abs(middle - static_cast<double>(value)), 0.016 * static_cast<double>(value)) << value;
  }
}

TEST(Tally, bins_follow_each_other_without_a_gap) {
  std::uint16_t last = 0;
  for (std::int64_t value = 0; value < 1 << 20; ++value) {
    const auto bin = duration_bin(Micros(value));
    ASSERT_TRUE(bin == last || bin == last + 1) << value;
    last = bin;
  }
}

TEST(Tally, percentiles_are_within_two_percent) {
  std::mt19937 chance(7);
  std::lognormal_distribution<double> shape(8, 1.5);
  std::vector<std::int64_t> values;
  Tally tally;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<std::int64_t>(shape(chance)));
    tally.add(0, 200, Micros(values.back()), true);
  }
  std::ranges::sort(values);
  for (double p : {0.5, 0.95, 0.99, 1.0}) {
    const auto exact = static_cast<double>(values[static_cast<std::size_t>(std::ceil(p * 20'000)) - 1]);
    EXPECT_NEAR(tally.percentile(p), exact, 0.02 * exact) << p;
  }
  EXPECT_EQ(Tally().percentile(0.5), 0);
}

TEST(Tally, comes_back_from_its_bytes_and_adds_up) {
  std::mt19937 chance(7);
  Tally whole, one, two;
  for (int i = 0; i < 500; ++i) {
    const auto endpoint = chance() % 4;
    const int status = chance() % 2 ? 200 : 404;
    const Micros duration(chance() % 1'000'000);
    whole.add(endpoint, status, duration, true);
    (i % 2 ? one : two).add(endpoint, status, duration, true);
  }
  const std::vector<std::uint32_t> same{0, 1, 2, 3};
  Tally read;
  read.add_encoded(one.encode(same));
  read.add_encoded(two.encode(same));
  EXPECT_EQ(read.calls(), 500);
  EXPECT_EQ(read.micros, whole.micros);
  EXPECT_EQ(read.percentile(0.95), whole.percentile(0.95));
  one.add(two);
  EXPECT_EQ(one.percentile(0.95), whole.percentile(0.95));
  EXPECT_EQ(one.charged, 500);
}

TEST(Tally, a_single_call_takes_ten_bytes) {
  Tally tally;
  tally.add(0, 200, Micros(1234), true);
  EXPECT_LE(tally.encode({9}).size(), 11u);
}

TEST(Tally, refuses_damaged_bytes) {
  Tally tally;
  tally.add(0, 200, Micros(1234), true);
  const auto bytes = tally.encode({9});
  EXPECT_THROW(Tally().add_encoded(""), std::runtime_error);
  EXPECT_THROW(Tally().add_encoded("\x7f"), std::runtime_error);
  EXPECT_THROW(Tally().add_encoded(bytes.substr(0, bytes.size() - 1)), std::runtime_error);
}

}  // namespace
}  // namespace toll::metering
