// ONNX models in the place of the built-in rules. The models are small and written here: they measure brightness.
#include <gtest/gtest.h>

#include <cmath>

#include "base/digest.h"
#include "engines/forensics/tests/support.h"
#include "engines/onnx/graph_writer.h"
#include "engines/onnx/runtime.h"

namespace toll::engines::forensics {
namespace {

using tests::jpeg_of;
using tests::run;
using tests::TempFile;

constexpr int side = 32;

// Mean over the picture of each colour, times `weights` [3][width], plus `bias`.
TempFile brightness_model(int width, std::vector<float> weights, std::vector<float> bias) {
  onnx::GraphWriter graph;
  graph.input("image", {1, 3, side, side});
  graph.output("out", {1, width});
  const auto mean = graph.node("GlobalAveragePool", {"image"});
  const auto flat = graph.node("Flatten", {mean});
  graph.node("Gemm",
             {flat, graph.weights("w", std::move(weights), {3, width}), graph.weights("b", std::move(bias), {width})},
             {}, "out");
  TempFile file;
  graph.write(file.fd()).value();
  return file;
}

Manifest manifest_for(Role role, Manifest::Kind kind) {
  Manifest manifest;
  manifest.task = role;
  manifest.input_name = "image";
  manifest.height = manifest.width = side;
  manifest.crop = role == Role::ac1 || role == Role::fd1 ? Manifest::Crop::image : Manifest::Crop::face;
  manifest.output_name = "out";
  manifest.kind = kind;
  return manifest;
}

Plan plan_with(ModelType type, const TempFile& model, const Manifest& manifest) {
  Plan plan{.model_type = type};
  plan.models.push_back({manifest.task, hex(sha256(model.content())), "acme/bright", "7", manifest});
  return plan;
}

TempFile shade(int value) {
  return jpeg_of({64, 64, std::vector<std::uint8_t>(64 * 64 * 3, static_cast<std::uint8_t>(value))});
}

class OnnxModels : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!onnx::load_runtime()) GTEST_SKIP() << "skipped: built without ONNX Runtime";
  }
};

TEST_F(OnnxModels, a_logit_goes_through_a_sigmoid_and_names_its_model) {
  const auto model = brightness_model(1, {2, 1, 1}, {-2});  // 4 x brightness - 2
  const auto plan = plan_with(ModelType::ac1, model, manifest_for(Role::ac1, Manifest::Kind::logit));
  const auto bright = run(plan, shade(255), {{"model.0", &model}}), dark = run(plan, shade(0), {{"model.0", &model}});
  EXPECT_NEAR(*bright.answer->analysis->score, 1 / (1 + std::exp(-2)), 1e-3);
  EXPECT_TRUE(*bright.answer->fake);
  EXPECT_NEAR(*dark.answer->analysis->score, 1 / (1 + std::exp(2)), 1e-3);
  EXPECT_FALSE(*dark.answer->fake);
  const auto& analysis = *bright.answer->analysis;
  EXPECT_EQ(analysis.method, "onnx-model");
  EXPECT_EQ(analysis.model, "acme/bright");
  EXPECT_EQ(analysis.model_version, "7");
  EXPECT_EQ(analysis.model_digest, "sha256:" + hex(sha256(model.content())));
  EXPECT_FALSE(analysis.disclaimer);
}

TEST_F(OnnxModels, two_logits_are_a_softmax_and_fake_index_says_which_counts) {
  const auto model = brightness_model(2, {0, 1, 0, 1, 0, 1}, {0, 0});
  auto manifest = manifest_for(Role::ac1, Manifest::Kind::logit);
  for (int index : {0, 1}) {
    manifest.fake_index = index;
    const auto done = run(plan_with(ModelType::ac1, model, manifest), shade(255), {{"model.0", &model}});
    EXPECT_NEAR(*done.answer->analysis->score, 1 / (1 + std::exp(index == 1 ? -3 : 3)), 1e-3);
  }
}

TEST_F(OnnxModels, mean_deviation_and_order_of_colours_are_those_of_the_manifest) {
  const auto model = brightness_model(1, {1, 0, 0}, {0});  // the first colour alone
  auto manifest = manifest_for(Role::ac1, Manifest::Kind::probability);
  manifest.mean = {0.25, 0, 0};
  manifest.std = {2, 1, 1};
  Picture red{64, 64, {}};
  for (int i = 0; i < 64 * 64; ++i) red.rgb.insert(red.rgb.end(), {255, 0, 0});
  const auto file = jpeg_of(red);
  const auto by_rgb = run(plan_with(ModelType::ac1, model, manifest), file, {{"model.0", &model}});
  EXPECT_NEAR(*by_rgb.answer->analysis->score, 0.375, 0.01);
  manifest.color = Manifest::Color::bgr;
  const auto by_bgr = run(plan_with(ModelType::ac1, model, manifest), file, {{"model.0", &model}});
  EXPECT_NEAR(*by_bgr.answer->analysis->score, 0, 0.01);
}

TEST_F(OnnxModels, threshold_and_margin_are_those_of_the_manifest) {
  const auto model = brightness_model(1, {0, 0, 0}, {0.7f});
  auto manifest = manifest_for(Role::ac1, Manifest::Kind::probability);
  manifest.threshold = 0.75;
  manifest.margin = 0.1;
  const auto close = run(plan_with(ModelType::ac1, model, manifest), shade(9), {{"model.0", &model}});
  EXPECT_EQ(close.answer->analysis->verdict, Verdict::inconclusive);
  manifest.margin = 0.01;
  const auto clear = run(plan_with(ModelType::ac1, model, manifest), shade(9), {{"model.0", &model}});
  EXPECT_EQ(clear.answer->analysis->verdict, Verdict::real);
}

TEST_F(OnnxModels, another_file_than_the_announced_one_is_never_run_nor_replaced_by_rules) {
  const auto model = brightness_model(1, {1, 1, 1}, {0}), other = brightness_model(1, {1, 1, 1}, {1});
  const auto plan = plan_with(ModelType::ac1, model, manifest_for(Role::ac1, Manifest::Kind::logit));
  const auto done = run(plan, shade(9), {{"model.0", &other}});
  ASSERT_FALSE(done.answer.has_value());
  EXPECT_EQ(done.answer.error().reason(), Reason::model_unusable);
}

TEST_F(OnnxModels, a_model_that_is_no_model_or_gives_no_number_is_unusable) {
  const TempFile text("no model");
  const auto nothing = run(plan_with(ModelType::ac1, text, manifest_for(Role::ac1, Manifest::Kind::logit)), shade(9),
                           {{"model.0", &text}});
  EXPECT_EQ(nothing.answer.error().reason(), Reason::model_unusable);
  const auto broken = brightness_model(1, {1, 1, 1}, {std::nanf("")});
  const auto nan = run(plan_with(ModelType::ac1, broken, manifest_for(Role::ac1, Manifest::Kind::logit)), shade(9),
                       {{"model.0", &broken}});
  EXPECT_EQ(nan.answer.error().reason(), Reason::model_unusable);
}

TEST_F(OnnxModels, regions_are_where_the_model_says_fake) {
  const auto model = brightness_model(1, {4, 4, 4}, {-6});
  Picture half{128, 128, std::vector<std::uint8_t>(128 * 128 * 3)};
  for (int y = 0; y < 128; ++y)
    for (int x = 64; x < 128; ++x) std::fill_n(half.at(x, y), 3, std::uint8_t{255});
  const auto done = run(plan_with(ModelType::fd1, model, manifest_for(Role::fd1, Manifest::Kind::logit)), jpeg_of(half),
                        {{"model.0", &model}});
  const auto result = done.result();
  ASSERT_EQ(result.at("regions").as_array().size(), 3u);  // the three windows of the right half
  for (const auto& region : result.at("regions").as_array()) EXPECT_GE(region.at("box").as_array()[0].as_int64(), 64);
}

TEST_F(OnnxModels, an_embedding_is_brought_to_length_one) {
  if (!tests::has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  std::vector<float> weights(3 * embedding_width);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 13) - 5;
  const auto model = brightness_model(embedding_width, weights, std::vector<float>(embedding_width, 0.5f));
  const auto done = run(plan_with(ModelType::fe1, model, manifest_for(Role::fe1, Manifest::Kind::embedding)),
                        jpeg_of(tests::portrait(320, 320, {tests::Looks{}}, 60)), {{"model.0", &model}});
  ASSERT_TRUE(done.answer.has_value()) << done.answer.error().describe();
  double square = 0;
  const auto result = done.result();
  for (const auto& number : result.at("embedding").as_array()) square += std::pow(number.to_number<double>(), 2);
  EXPECT_NEAR(square, 1, 1e-5);
}

TEST_F(OnnxModels, the_faces_of_a_film_are_judged_by_the_model) {
  if (!tests::has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  const auto film = tests::film_of(20, 25, [](int) {
    return tests::portrait(480, 270, {{.x = 0.3, .size = 0.7, .skin = 250}, {.x = 0.75, .size = 0.7, .skin = 70}}, 61);
  });
  const auto model = brightness_model(1, {3, 3, 3}, {-3.5f});
  auto plan = plan_with(ModelType::df1, model, manifest_for(Role::df1, Manifest::Kind::logit));
  plan.kind = MediaKind::video;
  plan.models[0].manifest.face_margin = 0;
  const auto done = run(plan, film, {{"model.0", &model}});
  ASSERT_TRUE(done.answer.has_value()) << done.answer.error().describe();
  ASSERT_EQ(done.answer->faces, 2);
  const auto boxes = done.result().at("boundingBoxes").as_object();
  for (const auto& participant : done.answer->participants) {
    const auto& box = boxes.at(std::to_string(participant.id)).at("boundingBox").at("0").as_array();
    const bool bright = box[0].as_int64() < 100;
    EXPECT_EQ(participant.fake, bright);
  }
  EXPECT_EQ(done.answer->deep_fakes, 1);
  EXPECT_EQ(done.answer->analysis->verdict, Verdict::fake);
}

}  // namespace
}  // namespace toll::engines::forensics
