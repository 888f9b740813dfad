#include "json/parse.h"

#include <gtest/gtest.h>

namespace toll::json {
namespace {

std::string why(std::string_view text) {
  auto value = parse(text);
  return value ? "accepted" : std::string(value.error().argument("why"));
}

TEST(Parse, reads_every_kind_of_value) {
  auto value = parse(R"( {"a":[1,-2,3.5,true,null,"x\u00e9"],"b":{}} )");
  ASSERT_TRUE(value) << value.error().describe();
  EXPECT_EQ(value->at("a").as_array().size(), 6u);
  EXPECT_EQ(value->at("a").as_array()[5].as_string(), "x\xC3\xA9");
}

TEST(Parse, refuses_duplicate_member_names_at_every_depth) {
  EXPECT_EQ(why(R"({"a":1,"a":2})"), "duplicate member name");
  EXPECT_EQ(why(R"([{"b":{"a":1,"\u0061":2}}])"), "duplicate member name");
  EXPECT_EQ(why(R"({"a":{"a":{"a":1}},"b":{"a":1}})"), "accepted");
}

TEST(Parse, refuses_what_is_not_json_and_says_where) {
  for (std::string_view bad : {"", "{", "{\"a\":}", "[1,]", "nul", "1 2", "{\"a\":1}x", "\"\xff\"", "NaN", "[Infinity]",
                               "'a'", "{a:1}", "// c\n1"})
    EXPECT_NE(why(bad), "accepted") << bad;
  auto value = parse(R"({"a": bad})");
  ASSERT_FALSE(value);
  EXPECT_EQ(std::get<std::int64_t>(value.error().problems().at(0).path.at(0)), 6);
}

TEST(Parse, refuses_a_tower_of_brackets) {
  EXPECT_NE(why(std::string(100'000, '[')), "accepted");
}

}  // namespace
}  // namespace toll::json
