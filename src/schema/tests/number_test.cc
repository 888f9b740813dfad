#include "schema/number.h"

#include <gtest/gtest.h>

#include "schema/equal.h"

namespace toll::schema {
namespace {

json::Value parsed(std::string_view text) {
  return json::parse(text).value();
}

bool multiple(std::string_view value, std::string_view step) {
  return is_multiple(parsed(value), parsed(step));
}

TEST(Number, is_a_multiple_by_the_decimals_that_were_written) {
  EXPECT_TRUE(multiple("0.0075", "0.0001"));
  EXPECT_FALSE(multiple("0.00751", "0.0001"));
  EXPECT_TRUE(multiple("1.1", "0.1"));  // no binary fraction is
  EXPECT_TRUE(multiple("-4.5", "1.5"));
  EXPECT_TRUE(multiple("0", "7"));
  EXPECT_TRUE(multiple("1e308", "1e-300"));
  EXPECT_TRUE(multiple("1e308", "5"));
  EXPECT_FALSE(multiple("1e308", "0.123456789"));
  EXPECT_FALSE(multiple("1e-300", "1e300"));
  EXPECT_TRUE(multiple("18446744073709551615", "5"));
  EXPECT_FALSE(multiple("18446744073709551614", "5"));
  EXPECT_TRUE(multiple("-9223372036854775808", "2"));
}

TEST(Number, is_equal_by_value_whatever_its_spelling) {
  EXPECT_TRUE(equal(parsed("1"), parsed("1.0")));
  EXPECT_TRUE(equal(parsed("18446744073709551615"), parsed("18446744073709551615")));
  EXPECT_FALSE(equal(parsed("9007199254740993"), parsed("9007199254740992.0")));
  EXPECT_FALSE(equal(parsed("1"), parsed("true")));
  EXPECT_TRUE(equal(parsed(R"({"a":1,"b":[2]})"), parsed(R"({"b":[2.0],"a":1.0})")));
  EXPECT_EQ(canonical(parsed(R"({"a":1,"b":[-0.0]})")), canonical(parsed(R"({"b":[0],"a":1.0})")));
  EXPECT_NE(canonical(parsed("9007199254740993")), canonical(parsed("9007199254740992")));
}

TEST(Number, of_an_integral_value_is_an_integer) {
  EXPECT_TRUE(is_integer(parsed("1.0")));
  EXPECT_TRUE(is_integer(parsed("1e300")));
  EXPECT_FALSE(is_integer(parsed("1.5")));
}

}  // namespace
}  // namespace toll::schema
