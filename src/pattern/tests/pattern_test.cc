#include "pattern/pattern.h"

#include <gtest/gtest.h>

namespace toll::pattern {
namespace {

bool finds(std::string_view expression, std::string_view text, Options options = {}) {
  auto compiled = Pattern::compile(expression, options);
  EXPECT_TRUE(compiled.pattern) << expression << ": " << compiled.why;
  return compiled.pattern && compiled.pattern->found_in(text);
}

TEST(Pattern, finds_anywhere_unless_it_is_anchored) {
  EXPECT_TRUE(finds("b+", "abbc"));
  EXPECT_FALSE(finds("^b+$", "abbc"));
  EXPECT_FALSE(finds("^b$", "a\nb\nc"));
  EXPECT_TRUE(finds("^b$", "a\nb\nc", {.lines = true}));
  EXPECT_TRUE(finds("total", "TOTAL", {.ignore_case = true}));
}

TEST(Pattern, reads_the_escapes_of_ecma_262) {
  EXPECT_TRUE(finds(R"(^\u00e9$)", "é"));
  EXPECT_TRUE(finds(R"(^\u{1F600}$)", "😀"));
  EXPECT_TRUE(finds(R"(^\uD83D\uDE00$)", "😀"));
  EXPECT_TRUE(finds(R"(^\s$)", "\xc2\xa0"));
  EXPECT_FALSE(finds(R"(^\S$)", "\xc2\xa0"));
  EXPECT_TRUE(finds(R"(^[\s]$)", "\v"));
  EXPECT_TRUE(finds(R"(^a\/b$)", "a/b"));
  EXPECT_TRUE(finds(R"(^\cC$)", "\x03"));
  EXPECT_TRUE(finds(R"(^(?<year>\d{4})$)", "2026"));
  EXPECT_TRUE(finds(R"(^\p{Lu}$)", "É"));
  EXPECT_FALSE(finds(R"(^\d$)", "\xd9\xa1"));  // an Arabic digit is none
}

TEST(Pattern, refuses_what_has_no_linear_time_or_no_end) {
  for (auto wrong : {R"((a)\1)", "(?=a)", "(?<!a)b", "(", "[a", R"(a\Z)", "((a{1000}){1000}){1000}"}) {
    auto compiled = Pattern::compile(wrong);
    EXPECT_FALSE(compiled.pattern) << wrong;
    EXPECT_NE(compiled.why, "") << wrong;
  }
  EXPECT_FALSE(Pattern::compile(std::string(5000, 'a')).pattern);
}

TEST(Pattern, tells_the_groups_of_the_first_match_after_a_place) {
  auto pattern = *Pattern::compile(R"((\w)=(\d)?)").pattern;
  auto found = pattern.first_in("a=1 b=", 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(pattern.groups(), 2);
  EXPECT_EQ((*found)[0], "b=");
  EXPECT_EQ((*found)[1], "b");
  EXPECT_EQ((*found)[2], std::nullopt);
  EXPECT_FALSE(pattern.first_in("a=1", 99));
  EXPECT_TRUE(Pattern::compile("x*").pattern->first_in({})->front().has_value());
}

}  // namespace
}  // namespace toll::pattern
