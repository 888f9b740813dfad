#include "json/schema.h"

#include <gtest/gtest.h>

namespace toll::json {
namespace {

struct Inner {
  std::string tag;
};
struct Sample {
  std::string name;
  std::int64_t count = 0;
  std::optional<bool> flag;
  std::vector<Inner> inner;
  std::optional<std::string> token;
  std::optional<int> rare;
};

}  // namespace

template <>
struct Schema<Inner> {
  static constexpr std::string_view name = "Inner";
  static constexpr auto fields = std::tuple{field(&Inner::tag, "tag", "A tag.", {.min = 1, .max = 3})};
};
template <>
struct Schema<Sample> {
  static constexpr std::string_view name = "Sample";
  static constexpr auto fields =
      std::tuple{field(&Sample::name, "name", "The name.", {.min = 2, .max = 5, .example = "song"}),
                 field(&Sample::count, "count", "How many.", {.min = 1, .max = 9}),
                 field(&Sample::flag, "flag", "A switch."),
                 field(&Sample::inner, "inner", "Parts.", {.max = 2}),
                 field(&Sample::token, "token", "A secret.", {.secret = true}),
                 field(&Sample::rare, "rare", "Rarely there.", {.omit_null = true})};
};

namespace {

TEST(Schema, writes_members_in_the_order_of_the_table_with_nulls) {
  Sample s{"ab\"c", 3, std::nullopt, {{"x"}, {"y"}}, "hush", std::nullopt};
  EXPECT_EQ(write(s), R"({"name":"ab\"c","count":3,"flag":null,"inner":[{"tag":"x"},{"tag":"y"}],"token":"hush"})");
  s.rare = 1;
  EXPECT_EQ(write(s, true),
            R"({"name":"ab\"c","count":3,"flag":null,"inner":[{"tag":"x"},{"tag":"y"}],"token":null,"rare":1})");
}

TEST(Schema, reads_what_it_wrote) {
  auto s = read<Sample>(R"({"rare":4,"name":"song","count":9,"flag":true,"inner":[{"tag":"abc"}],"unknown":1})");
  ASSERT_TRUE(s) << s.error().describe();
  EXPECT_EQ(write(*s), R"({"name":"song","count":9,"flag":true,"inner":[{"tag":"abc"}],"token":null,"rare":4})");
}

TEST(Schema, reports_every_problem_at_once_in_the_order_of_the_table) {
  auto s = read<Sample>(R"({"count":10,"flag":"yes","inner":[{"tag":"long"},{}]})");
  ASSERT_FALSE(s);
  std::vector<std::string> seen;
  for (const auto& p : s.error().problems()) {
    std::string where;
    for (const auto& step : p.path)
      where += "/" + (step.index() == 0 ? std::get<0>(step) : std::to_string(std::get<1>(step)));
    seen.push_back(where + " " + p.message);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"/name is required", "/count must be 1 to 9", "/flag must be true or false",
                                            "/inner/0/tag must be 1 to 3 characters", "/inner/1/tag is required"}));
}

TEST(Schema, integers_from_text_are_as_lenient_as_documented_and_no_more) {
  auto as_int = [](std::string_view text) -> std::optional<std::int64_t> {
    Reading reading(Place::query);
    std::int64_t n = 0;
    Codec<std::int64_t>::read_text(text, n, {}, reading);
    return reading.ok() ? std::optional(n) : std::nullopt;
  };
  EXPECT_EQ(as_int(" 4 "), 4);
  EXPECT_EQ(as_int("4.0"), 4);
  EXPECT_EQ(as_int("+4"), 4);
  for (std::string_view bad : {"4.5", "abc", "", "4 4", "1e3", ".0", "99999999999999999999"})
    EXPECT_FALSE(as_int(bad)) << bad;
}

TEST(Schema, describes_itself_as_json_schema) {
  Definitions all;
  Codec<Sample>::schema({}, all);
  EXPECT_EQ(boost::json::serialize(all.at("Sample").at("properties").at("name")),
            R"({"type":"string","minLength":2,"maxLength":5,"description":"The name.","examples":["song"]})");
  EXPECT_EQ(boost::json::serialize(all.at("Sample").at("required")), R"(["name","count","inner"])");
  EXPECT_EQ(boost::json::serialize(all.at("Sample").at("properties").at("flag").at("type")), R"(["boolean","null"])");
  EXPECT_TRUE(all.contains("Inner"));
}

}  // namespace
}  // namespace toll::json
