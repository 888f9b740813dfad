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

Trained spleeter() {
  Trained trained;
  trained.served_by = "spleeter@7747f9fd2c78";
  trained.bundle.licence = "MIT";
  trained.bundle.sources = {"vocals", "accompaniment"};
  return trained;
}

TEST(Models, spleeter_waits_for_its_weights_and_makes_two_stems) {
  const auto& model = *shipped.find("spleeter");
  EXPECT_FALSE(model.ready);
  EXPECT_FALSE(model.served_by) << "no other separator knows its stems";
  const auto ready = Models::with(model, spleeter(), spleeter());
  EXPECT_TRUE(ready.ready);
  EXPECT_EQ(ready.served_by, spleeter().served_by);
  Choice choice;
  EXPECT_TRUE(shipped.choose("spleeter", {}, {}, choice).empty());
  EXPECT_EQ(stems_of(choice), (std::vector<std::string>{"no_vocals", "vocals"}));
  EXPECT_EQ(Models::serving(choice, spleeter(), spleeter())->served_by, spleeter().served_by);
  EXPECT_EQ(parts("spleeter", 4, {}), (std::vector<int>{ChoiceProblem::stem_count}));
}

TEST(Models, the_voice_alone_is_taken_out_by_the_best_that_is_here) {
  Trained own;
  own.served_by = "htdemucs@0123456789ab";
  own.bundle.sources = {"drums", "bass", "other", "vocals"};
  const auto served_by = [&](const Models& models, const char* model, int stems, const char* kind,
                             std::optional<Trained> weights, std::optional<Trained> for_voice) {
    Choice choice;
    EXPECT_TRUE(models.choose(model, stems, kind, choice).empty());
    const auto* trained = Models::serving(choice, weights, for_voice);
    return trained ? trained->served_by : std::string();
  };
  EXPECT_EQ(served_by(shipped, "htdemucs", 2, "vocals", {}, spleeter()), spleeter().served_by);
  EXPECT_EQ(served_by(shipped, "htdemucs_ft", 2, "vocals", {}, spleeter()), spleeter().served_by);
  EXPECT_EQ(served_by(shipped, "htdemucs", 2, "vocals", own, spleeter()), own.served_by);
  EXPECT_EQ(served_by(shipped, "htdemucs", 2, "vocals", {}, {}), "");
  EXPECT_EQ(served_by(shipped, "htdemucs", 2, "drums", {}, spleeter()), "") << "of which Spleeter knows nothing";
  EXPECT_EQ(served_by(shipped, "htdemucs", 4, "vocals", {}, spleeter()), "");
  EXPECT_EQ(served_by(shipped, "htdemucs_6s", 2, "vocals", {}, spleeter()), "") << "which is not ready";
  const Models bare({metering::whole_credits(1), false});
  EXPECT_EQ(served_by(bare, "htdemucs", 2, "vocals", {}, spleeter()), "") << "nothing stands in where that is off";
}

TEST(Models, served_by_the_builtin_say_what_takes_the_voice_out) {
  const auto& model = *shipped.find("htdemucs");
  const auto offered = Models::with(model, {}, spleeter());
  EXPECT_EQ(offered.served_by, builtin_name);
  EXPECT_NE(offered.description.find(spleeter().served_by), std::string::npos);
  EXPECT_EQ(Models::with(model, {}, {}).description, model.description);
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
