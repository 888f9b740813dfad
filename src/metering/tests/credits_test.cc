#include "metering/credits.h"

#include <gtest/gtest.h>

namespace toll::metering {
namespace {

TEST(Credits, show_one_to_six_decimals) {
  EXPECT_EQ(to_text({}), "0.0");
  EXPECT_EQ(to_text(whole_credits(3)), "3.0");
  EXPECT_EQ(to_text({2'500'000}), "2.5");
  EXPECT_EQ(to_text({-1}), "-0.000001");
  EXPECT_EQ(to_text({-1'000'000}), "-1.0");
  EXPECT_EQ(to_text({INT64_MIN}), "-9223372036854.775808");
}

TEST(Credits, show_no_decimals_in_sentences_unless_needed) {
  EXPECT_EQ(to_short_text(whole_credits(25)), "25");
  EXPECT_EQ(to_short_text({2'500'000}), "2.5");
  EXPECT_EQ(to_short_text({}), "0");
}

TEST(Credits, read_what_a_json_number_can_be) {
  EXPECT_EQ(parse_credits("1"), whole_credits(1));
  EXPECT_EQ(parse_credits("-2.5"), Credits{-2'500'000});
  EXPECT_EQ(parse_credits("+0.000001"), Credits{1});
  EXPECT_EQ(parse_credits("1e3"), whole_credits(1000));
  EXPECT_EQ(parse_credits("1.5E-3"), Credits{1500});
  EXPECT_EQ(parse_credits("1000000000"), largest_amount);
  EXPECT_EQ(parse_credits("-1000000000.000000"), -largest_amount);
  EXPECT_EQ(parse_credits("0.1000000000"), Credits{100'000});
  EXPECT_EQ(parse_credits("0.0e999"), Credits{});
}

TEST(Credits, refuse_what_is_no_exact_amount) {
  for (auto text :
       {"",      "-",     "nan", "NaN", "inf", "Infinity", "1e400", "1e9999999999", "0.0000001", "1000000000.000001",
        "1e10",  "1.",    ".5",  "1 ",  " 1",  "1,5",      "0x10",  "--1",          "1e",        "1e+",
        "1e1.5", "1.5e-6"})
    EXPECT_EQ(parse_credits(text), std::nullopt) << text;
}

TEST(Credits, survive_the_way_to_text_and_back) {
  for (std::int64_t micros : {0L, 1L, -1L, 999'999L, 1'000'000L, 123'456'789L, largest_amount.micros})
    EXPECT_EQ(parse_credits(to_text({micros})), Credits{micros});
}

}  // namespace
}  // namespace toll::metering
