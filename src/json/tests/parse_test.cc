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

// Eight bytes are looked at together: each odd one must be seen wherever it stands.
TEST(AppendString, escapes_every_byte_that_needs_it_in_every_place) {
  for (int c = 1; c < 0x80; ++c)
    for (std::size_t at = 0; at < 20; ++at) {
      std::string text(20, 'a'), out;
      text[at] = static_cast<char>(c);
      append_string(out, text);
      const bool plain = c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
      EXPECT_EQ(out == "\"" + text + "\"", plain) << c << " at " << at;
      EXPECT_EQ(parse(out).value().get_string(), text) << c << " at " << at;
    }
  std::string out;
  append_string(out, "plain text and \xC3\xA9");
  EXPECT_EQ(out, "\"plain text and \xC3\xA9\"");
  out.clear();
  append_string(out, "plain text and \xE9");
  EXPECT_EQ(out, "\"plain text and \xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace toll::json
