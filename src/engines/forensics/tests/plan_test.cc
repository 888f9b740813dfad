#include "engines/forensics/plan.h"

#include <gtest/gtest.h>

namespace toll::engines::forensics {
namespace {

constexpr const char* manifest_text =
    R"({"task":"DF-1","input":{"name":"image","size":[224,224],"layout":"NCHW","mean":[0.485,0.456,0.406],)"
    R"("std":[0.229,0.224,0.225],"color":"RGB"},"output":{"name":"logits","kind":"logit","fakeIndex":1},)"
    R"("threshold":0.4,"margin":0.05,"calibrated":true})";

Plan film_plan() {
  Plan plan;
  plan.model_type = ModelType::fi1;
  plan.kind = MediaKind::video;
  plan.checks = {.faceswap = true, .liveness = false, .similarity = true, .single_face = false};
  plan.limits = {.max_pixels = 1000, .max_seconds = 5, .max_frames = 7};
  plan.models.push_back({Role::df1, std::string(64, 'a'), "acme/df", "3", parse_manifest(manifest_text).value()});
  plan.memory_mib = 512;
  return plan;
}

std::string why(const Result<Manifest>& refused) {
  return refused ? "accepted" : std::string(refused.error().argument("why"));
}

TEST(ForensicsPlan, what_is_written_is_read_again) {
  const auto plan = film_plan();
  const auto again = parse_plan(write_plan(plan)).value();
  EXPECT_EQ(write_plan(again), write_plan(plan));
  EXPECT_EQ(again.models.at(0).manifest.threshold, 0.4);
  EXPECT_EQ(again.limits.max_frames, 7);
  EXPECT_FALSE(again.checks.single_face);
}

TEST(ForensicsPlan, refuses_what_does_not_fit_together) {
  for (const char* params :
       {"", "[]", R"({"modelType":"XX-1","kind":"image"})", R"({"modelType":"DF-1","kind":"image"})",
        R"({"modelType":"AC-1","kind":"video"})", R"({"modelType":"FI-1","kind":"image"})",
        R"({"modelType":"FI-1","kind":"image","checks":{"faceswap":true}})",
        R"({"modelType":"AC-1","kind":"image","limits":{"pixels":0}})",
        R"({"modelType":"AC-1","kind":"image","phase":"later"})",
        R"({"modelType":"AC-1","kind":"image","models":[{"role":"AC-1"}]})"})
    EXPECT_FALSE(parse_plan(params).has_value()) << params;
  auto foreign = film_plan();
  foreign.checks.faceswap = false;  // so nothing asks for its model
  EXPECT_FALSE(parse_plan(write_plan(foreign)).has_value());
}

TEST(ForensicsPlan, names_the_files_of_each_phase) {
  auto plan = film_plan();
  EXPECT_EQ(input_files(plan), (std::vector<std::string>{"media", "reference", "model.0"}));
  EXPECT_EQ(output_files(plan), std::vector<std::string>{"result.json"});
  plan.phase = Phase::check;
  EXPECT_EQ(input_files(plan), (std::vector<std::string>{"media", "reference"}));
  EXPECT_TRUE(output_files(plan).empty());
  plan = {.model_type = ModelType::df1, .kind = MediaKind::video};
  EXPECT_EQ(output_files(plan).size(), 1u + most_participants);
  EXPECT_EQ(output_files(plan).back(), "participant-15.mp4");
  EXPECT_EQ(content_type_of(output_files(plan).back()), "video/mp4");
}

TEST(ForensicsPlan, an_answer_survives_its_way) {
  Answer answer;
  answer.media = {MediaKind::video, "mov", "h264", 640, 360, 2.5, 60};
  answer.fake = true;
  answer.faces = 1;
  answer.deep_fakes = 1;
  answer.participants.push_back({0, true, 0.75, "participant-0.mp4"});
  answer.analysis = Analysis{.method = "builtin-forensic",
                             .model = "tollhouse/builtin-forensic",
                             .model_version = "1",
                             .verdict = Verdict::fake,
                             .score = 0.75,
                             .threshold = 0.5,
                             .signals = {{"blending", 0.5, 0.25, "What it means."}},
                             .warnings = {"LOW_RESOLUTION"},
                             .disclaimer = "rules"};
  answer.files = {"result.json", "participant-0.mp4"};
  const auto text = write_answer(answer);
  EXPECT_EQ(write_answer(parse_answer(text).value()), text);
  const Answer failed{.failure = Failure::no_face, .failure_message = "There is no face."};
  EXPECT_EQ(parse_answer(write_answer(failed)).value().failure, Failure::no_face);
  EXPECT_FALSE(parse_answer("{}").has_value());
}

TEST(ForensicsManifest, is_read_with_its_defaults) {
  const auto manifest = parse_manifest(manifest_text).value();
  EXPECT_EQ(manifest.crop, Manifest::Crop::face);
  EXPECT_EQ(manifest.fake_index, 1);
  EXPECT_EQ(write_manifest(parse_manifest(write_manifest(manifest)).value()), write_manifest(manifest));
}

TEST(ForensicsManifest, says_what_is_wrong_with_it) {
  EXPECT_EQ(why(parse_manifest("x")), "media.json: not a JSON object");
  EXPECT_EQ(why(parse_manifest(R"({"task":"other"})")),
            "media.json: task is none of DF-1, AC-1, FD-1, FE-1, FI-1.liveness");
  EXPECT_EQ(why(parse_manifest(R"({"task":"AC-1","input":{"name":"x","size":[8,8]}})")),
            "media.json: size is out of bounds: 16 to 2048");
}

TEST(ForensicsManifest, an_embedding_that_is_not_512_wide_is_refused) {
  const auto manifest =
      parse_manifest(
          R"({"task":"FE-1","input":{"name":"x","size":[112,112]},"output":{"name":"y","kind":"embedding"}})")
          .value();
  const auto described = [](int width) {
    return R"({"inputs":[{"name":"x","type":"float32","shape":[-1,3,112,112]}],)"
           R"("outputs":[{"name":"y","type":"float32","shape":[1,)" +
           std::to_string(width) + R"(]}],"metadata":{}})";
  };
  EXPECT_TRUE(check_model(manifest, described(512)).has_value());
  EXPECT_FALSE(check_model(manifest, described(256)).has_value());
}

}  // namespace
}  // namespace toll::engines::forensics
