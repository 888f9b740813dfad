#include <gtest/gtest.h>

#include "engines/separation/separation.h"

namespace toll::engines::separation {
namespace {

TEST(Plan, of_an_empty_object_is_the_default) {
  const auto plan = parse_plan("{}").value();
  EXPECT_EQ(plan.stems, (std::vector<std::string>{"bass", "drums", "other", "vocals"}));
  EXPECT_FALSE(plan.two_stem);
  EXPECT_EQ(plan.max_seconds, 43200);
}

TEST(Plan, comes_back_from_what_it_wrote) {
  Plan plan;
  plan.stems = {"vocals", "drums", "bass", "other"};
  plan.two_stem = "drums";
  plan.max_seconds = 60;
  const auto again = parse_plan(write_plan(plan)).value();
  EXPECT_EQ(again.stems, plan.stems);
  EXPECT_EQ(again.two_stem, plan.two_stem);
  EXPECT_EQ(again.max_seconds, plan.max_seconds);
}

TEST(Plan, refuses_what_the_method_cannot_do) {
  for (const char* params :
       {"", "[]", "{", R"({"method":"demucs"})", R"({"method":1})", R"({"stems":["vocals"]})", R"({"stems":"vocals"})",
        R"({"stems":["bass","drums","other","piano"]})", R"({"stems":["bass","bass","other","vocals"]})",
        R"({"stems":["bass","drums","other",4]})", R"({"two_stem":"piano"})", R"({"two_stem":2})",
        R"({"max_seconds":0})", R"({"max_seconds":1.5})", R"({"max_seconds":"60"})"}) {
    const auto plan = parse_plan(params);
    ASSERT_FALSE(plan) << params;
    EXPECT_EQ(plan.error().reason(), Reason::invalid_request);
    EXPECT_FALSE(plan.error().cause().empty());
  }
}

TEST(Plan, names_three_files_a_stem) {
  EXPECT_EQ(output_files(Plan{}).size(), 12u);
  EXPECT_EQ(scratch_files(Plan{}), 4u);
  Plan two;
  two.two_stem = "vocals";
  EXPECT_EQ(output_files(two), (std::vector<std::string>{"vocals.wav", "vocals.flac", "vocals.mp3", "no_vocals.wav",
                                                         "no_vocals.flac", "no_vocals.mp3"}));
  EXPECT_EQ(scratch_files(two), 2u);
}

TEST(Answers, come_back_from_what_was_written) {
  const auto answer =
      parse_answer(write_answer({.duration_seconds = 25.2, .frames = 1111320, .scale = 1.0, .peak = 0.93})).value();
  EXPECT_EQ(answer.duration_seconds, 25.2);
  EXPECT_EQ(answer.frames, 1111320);
  EXPECT_EQ(answer.sample_rate, 44100);
  EXPECT_EQ(answer.scale, 1.0);
  EXPECT_EQ(answer.peak, 0.93);
  EXPECT_EQ(parse_answer("{}").error().reason(), Reason::internal);
}

}  // namespace
}  // namespace toll::engines::separation
