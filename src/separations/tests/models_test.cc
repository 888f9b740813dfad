#include "separations/models.h"

#include <gtest/gtest.h>

namespace toll::separations {
namespace {

const Models shipped({metering::whole_credits(1), true});

std::vector<int> parts(std::string_view model, std::optional<int> count, std::optional<std::string> two) {
  Choice choice;
  std::vector<int> out;
  for (const auto& problem : shipped.choose(model, count, two, choice)) out.push_back(problem.part);
  return out;
}

TEST(Models, the_shipped_default_is_ready_and_says_what_serves_it) {
  const auto* model = shipped.find(default_model);
  ASSERT_NE(model, nullptr);
  EXPECT_TRUE(model->ready);
  EXPECT_EQ(model->served_by, builtin_name);
  EXPECT_NE(model->description.find("not a trained model"), std::string::npos);
}

TEST(Models, without_the_fallback_nothing_pretends_to_be_ready) {
  const Models bare({metering::whole_credits(1), false});
  for (const auto& model : bare.all()) {
    EXPECT_FALSE(model.ready) << model.name;
    EXPECT_FALSE(model.served_by);
  }
}

TEST(Models, six_stems_wait_for_their_weights) {
  EXPECT_FALSE(shipped.find("htdemucs_6s")->ready);
}

TEST(Models, trained_weights_make_a_model_ready_if_they_have_its_stems) {
  const auto& six = *shipped.find("htdemucs_6s");
  Trained trained;
  trained.served_by = "htdemucs_6s@0123456789ab";
  trained.bundle.licence = "MIT";
  trained.bundle.sources = {"drums", "bass", "other", "vocals"};
  EXPECT_FALSE(Models::with(six, trained).ready);
  EXPECT_FALSE(Models::with(six, {}).ready);
  trained.bundle.sources = {"drums", "bass", "other", "vocals", "guitar", "piano"};
  const auto ready = Models::with(six, trained);
  EXPECT_TRUE(ready.ready);
  EXPECT_EQ(ready.served_by, trained.served_by);
  EXPECT_EQ(ready.licence, "MIT");
  EXPECT_EQ(ready.description.find("cannot be used"), std::string::npos);
}

TEST(Models, a_choice_is_resolved_or_every_problem_is_named) {
  Choice choice;
  EXPECT_TRUE(shipped.choose("htdemucs", {}, {}, choice).empty());
  EXPECT_EQ(choice.stem_count, 4);
  EXPECT_EQ(stems_of(choice), (std::vector<std::string>{"bass", "drums", "other", "vocals"}));
  EXPECT_TRUE(shipped.choose("htdemucs", 2, {}, choice).empty());
  EXPECT_EQ(stems_of(choice), (std::vector<std::string>{"no_vocals", "vocals"}));
  EXPECT_TRUE(shipped.choose("htdemucs", 4, "drums", choice).empty());
  EXPECT_FALSE(choice.two_stem) << "without effect unless two stems are wanted";
  EXPECT_TRUE(shipped.choose("htdemucs_6s", {}, {}, choice).empty());
  EXPECT_EQ(choice.stem_count, 6);
  EXPECT_EQ(parts("nope", 3, "kazoo"), (std::vector<int>{ChoiceProblem::model}));
  EXPECT_EQ(parts("htdemucs", 6, "piano"), (std::vector<int>{ChoiceProblem::stem_count, ChoiceProblem::two_stem}));
}

}  // namespace
}  // namespace toll::separations
