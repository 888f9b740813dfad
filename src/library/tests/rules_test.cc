#include "library/rules.h"

#include <gtest/gtest.h>

namespace toll::library {
namespace {

TEST(Rules, a_release_date_is_a_year_a_month_or_a_day_that_exists) {
  for (const auto* good : {"1900", "2100", "1999-12", "2024-02-29"}) EXPECT_FALSE(check_release_date(good)) << good;
  for (const auto* bad : {"", "99", "1899", "2101", "1999-13", "2023-02-29", "1999/01/01", "1999-1-1", "19990101"})
    EXPECT_TRUE(check_release_date(bad)) << bad;
}

TEST(Rules, codes_are_checked) {
  for (const auto* good : {"GBAYE0601498", "gb-aye-06-01498", "USRC17607839"}) EXPECT_FALSE(check_isrc(good)) << good;
  for (const auto* bad : {"", "GBAYE060149", "1BAYE0601498", "GBAYE06O1498", "GBAYE06014988"})
    EXPECT_TRUE(check_isrc(bad)) << bad;
  EXPECT_EQ(normal_isrc(" gb-aye-06-01498 "), "GBAYE0601498");
  EXPECT_FALSE(check_ean("4006381333931"));
  EXPECT_TRUE(check_ean("4006381333932"));
  EXPECT_TRUE(check_ean("400638133393"));
  EXPECT_FALSE(check_upc("036000291452"));
  EXPECT_TRUE(check_upc("036000291453"));
}

TEST(Rules, texts_have_bounds_in_code_points_and_no_controls) {
  EXPECT_FALSE(check_text("\xC3\xA9\xC3\xA9", 1, 2));
  EXPECT_TRUE(check_text("abc", 1, 2));
  EXPECT_TRUE(check_text("  ", 1, 5));
  EXPECT_FALSE(check_text("", 0, 5));
  EXPECT_FALSE(check_text("a\tb\nc", 1, 9));
  EXPECT_TRUE(check_text("a\rb", 1, 9));
  EXPECT_TRUE(check_text("a\x1f", 1, 9)) << "lists are packed with it";
  EXPECT_TRUE(check_text("a\xC2\x85", 1, 9));
}

TEST(Rules, addresses_are_of_the_web) {
  for (const auto* good : {"https://x.test/a.png", "http://x", "HTTPS://x.test/?a=b"})
    EXPECT_FALSE(check_url(good)) << good;
  for (const auto* bad : {"", "x", "ftp://x", "javascript:alert(1)", "https://", "https:///x", "https://x y"})
    EXPECT_TRUE(check_url(bad)) << bad;
}

}  // namespace
}  // namespace toll::library
