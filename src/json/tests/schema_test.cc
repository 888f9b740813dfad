#include "json/schema.h"

#include <gtest/gtest.h>

namespace toll::json {
namespace {

struct Inner {
  std::string tag;
};
struct Change {
  Given<std::string> name;
  Given<std::optional<std::string>> note;
  Given<Value> extra;
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
struct Schema<Change> {
  static constexpr std::string_view name = "Change";
  static constexpr auto fields =
      std::tuple{field(&Change::name, "name", "The name.", {.max = 5}),
                 field(&Change::note, "note", "A note, or none."), field(&Change::extra, "extra", "Anything.")};
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

std::vector<std::string> problems_of(const Value& value, auto& out, bool strict) {
  Reading reading(Place::body, strict);
  Codec<std::remove_cvref_t<decltype(out)>>::read(value, out, {}, reading);
  std::vector<std::string> seen;
  for (const auto& problem : reading.take()) {
    std::string where;
    for (const auto& step : problem.path)
      where += (where.empty() ? "" : ".") + (step.index() == 0 ? std::get<0>(step) : std::to_string(std::get<1>(step)));
    seen.push_back(where + ": " + problem.message);
  }
  return seen;
}

TEST(Schema, absent_null_and_a_value_are_three_things_in_a_change) {
  auto read_change = [](std::string_view text) {
    Change change;
    EXPECT_EQ(problems_of(parse(text).value(), change, true), std::vector<std::string>{}) << text;
    return change;
  };
  const auto nothing = read_change("{}");
  EXPECT_FALSE(nothing.name || nothing.note || nothing.extra);
  const auto cleared = read_change(R"({"note":null,"extra":null})");
  ASSERT_TRUE(cleared.note);
  EXPECT_FALSE(*cleared.note);
  ASSERT_TRUE(cleared.extra);
  EXPECT_TRUE(cleared.extra->is_null());
  const auto set = read_change(R"({"name":"n","note":"x"})");
  EXPECT_EQ(*set.name, "n");
  EXPECT_EQ(**set.note, "x");
  Change refused;
  EXPECT_EQ(problems_of(parse(R"({"name":null})").value(), refused, true),
            std::vector<std::string>{"name: must be a string"});
}

TEST(Schema, strict_reading_refuses_what_nobody_declared_at_every_depth) {
  const auto value = parse(R"({"nam":1,"name":"song","count":1,"inner":[{"tag":"a","tga":1}]})").value();
  Sample sample;
  EXPECT_EQ(problems_of(value, sample, false), std::vector<std::string>{});
  Sample strict;
  EXPECT_EQ(problems_of(value, strict, true), (std::vector<std::string>{"inner.0.tga: is not a field of this request",
                                                                        "nam: is not a field of this request"}));
}

TEST(Schema, strict_reading_takes_no_text_for_an_integer) {
  Sample sample;
  EXPECT_EQ(problems_of(parse(R"({"name":"song","count":"3","inner":[]})").value(), sample, true),
            std::vector<std::string>{"count: must be an integer"});
  EXPECT_EQ(problems_of(parse(R"({"name":"song","count":3.0,"inner":[]})").value(), sample, true),
            std::vector<std::string>{});
}

TEST(Schema, strict_reading_refuses_control_characters_wherever_text_is) {
  Change change;
  const auto value =
      parse(R"({"name":"a\u0007","note":"tab\tand\nline","extra":{"k":["\u0085",{"\u001b":1}],"fine":"\u00e9"}})")
          .value();
  EXPECT_EQ(problems_of(value, change, true),
            (std::vector<std::string>{"name: must not contain control characters",
                                      "extra.k.0: must not contain control characters",
                                      "extra.k.1.\x1b: must have a name without control characters"}));
  EXPECT_EQ(problems_of(value, change, false), std::vector<std::string>{});
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
