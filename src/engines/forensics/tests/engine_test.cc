// The engine as a whole, on synthetic media.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/digest.h"
#include "engines/forensics/tests/support.h"
#include "engines/forensics/writer.h"

namespace toll::engines::forensics {
namespace {

using tests::film_of;
using tests::has_face_detector;
using tests::jpeg_of;
using tests::Looks;
using tests::portrait;
using tests::Run;
using tests::run;
using tests::TempFile;

Plan plan_for(ModelType type, MediaKind kind = MediaKind::image, Phase phase = Phase::process) {
  return {.phase = phase, .model_type = type, .kind = kind};
}
Plan film_plan(Phase phase = Phase::process) {
  return plan_for(ModelType::df1, MediaKind::video, phase);
}

TempFile plain_film(int frames = 40) {
  return film_of(frames, 25,
                 [](int i) { return tests::grey(tests::scene(320, 240, 100 + static_cast<unsigned>(i / 20), 2)); });
}

std::vector<std::string> members(const boost::json::object& object) {
  std::vector<std::string> names;
  for (const auto& member : object) names.emplace_back(member.key());
  return names;
}

std::optional<Failure> failure_of_run(const Run& done) {
  return done.answer ? done.answer->failure : std::nullopt;
}

TEST(Forensics, a_picture_gets_a_verdict_a_heatmap_and_the_documented_result) {
  const auto done = run(plan_for(ModelType::ac1), jpeg_of(tests::grey(tests::scene(640, 480, 20, 3))));
  const auto& answer = done.answer.value();
  ASSERT_FALSE(answer.failure) << answer.failure_message;
  EXPECT_TRUE(answer.fake.has_value() && answer.confidence.has_value());
  EXPECT_EQ(answer.files, (std::vector<std::string>{"result.json", "heatmap.jpg"}));
  EXPECT_EQ(members(done.result()),
            (std::vector<std::string>{"resultType", "isDeepFake", "RealConfidencePercent", "boxScale", "analysis"}));
  EXPECT_EQ(done.files.at("heatmap.jpg").substr(0, 2), "\xff\xd8");
  const auto& analysis = *answer.analysis;
  EXPECT_EQ(analysis.method, "builtin-forensic");
  EXPECT_FALSE(analysis.calibrated);
  EXPECT_TRUE(analysis.disclaimer && analysis.verdict && analysis.score && analysis.threshold);
  EXPECT_FALSE(analysis.model_digest);
  EXPECT_GE(analysis.signals.size(), 8u);
}

TEST(Forensics, the_same_file_gives_the_same_bytes) {
  const auto file = jpeg_of(tests::grey(tests::scene(400, 300, 21, 3)));
  EXPECT_EQ(run(plan_for(ModelType::fd1), file).files, run(plan_for(ModelType::fd1), file).files);
}

TEST(Forensics, a_spliced_picture_is_fake_and_says_where) {
  const auto background = tests::compressed(tests::scene(768, 512, 22, 2), ijg_luminance(50));
  auto spliced = background;
  tests::paste(spliced,
               tests::piece(tests::compressed(tests::scene(768, 512, 23, 5), ijg_luminance(50)), 99, 101, 160, 160),
               301, 187);
  const auto real = run(plan_for(ModelType::fd1), jpeg_of(tests::grey(background)));
  const auto fake = run(plan_for(ModelType::fd1), jpeg_of(tests::grey(spliced)));
  EXPECT_GT(*fake.answer->analysis->score, *real.answer->analysis->score + 0.1);
  EXPECT_TRUE(*fake.answer->fake);
  EXPECT_FALSE(*real.answer->fake);
  const auto result = fake.result();
  const auto& regions = result.at("regions").as_array();
  ASSERT_FALSE(regions.empty());
  const auto& box = regions[0].at("box").as_array();
  const auto side = [&](std::size_t i) { return static_cast<double>(box[i].as_int64()); };
  EXPECT_GT(overlap({side(0), side(1), side(2), side(3)}, {301, 187, 461, 347}), 0.3);
}

TEST(Forensics, the_check_tells_what_a_file_is_and_writes_nothing) {
  const auto done = run(plan_for(ModelType::ac1, MediaKind::image, Phase::check),
                        jpeg_of(tests::grey(tests::scene(320, 200, 24, 2))));
  EXPECT_EQ(done.answer->media.width, 320);
  EXPECT_EQ(done.answer->media.height, 200);
  EXPECT_EQ(done.answer->media.codec, "mjpeg");
  EXPECT_TRUE(done.files.empty() && done.answer->files.empty());
}

TEST(Forensics, a_film_declared_as_a_picture_is_a_mismatch_and_the_other_way_round) {
  EXPECT_EQ(failure_of_run(run(plan_for(ModelType::ac1, MediaKind::image, Phase::check), plain_film())),
            Failure::media_type_mismatch);
  EXPECT_EQ(failure_of_run(run(film_plan(Phase::check), jpeg_of(tests::grey(tests::scene(64, 64, 25, 2))))),
            Failure::media_type_mismatch);
}

TEST(Forensics, what_is_no_media_is_undecodable) {
  for (const std::string& content :
       {std::string("not a picture at all"), std::string(5000, '\xff'), std::string(1, 'x')}) {
    EXPECT_EQ(failure_of_run(run(plan_for(ModelType::ac1, MediaKind::image, Phase::check), TempFile(content))),
              Failure::undecodable_media);
    EXPECT_EQ(failure_of_run(run(film_plan(Phase::check), TempFile(content))), Failure::undecodable_media);
  }
}

TEST(Forensics, half_a_picture_is_undecodable_before_anything_is_charged) {
  const auto whole = jpeg_of(tests::grey(tests::scene(640, 480, 26, 4))).content();
  const TempFile half(whole.substr(0, whole.size() / 2));
  EXPECT_EQ(failure_of_run(run(plan_for(ModelType::ac1, MediaKind::image, Phase::check), half)),
            Failure::undecodable_media);
}

TEST(Forensics, what_is_larger_than_the_operator_allows_is_refused) {
  auto plan = plan_for(ModelType::ac1, MediaKind::image, Phase::check);
  plan.limits.max_pixels = 320 * 199;
  EXPECT_EQ(failure_of_run(run(plan, jpeg_of(tests::grey(tests::scene(320, 200, 27, 2))))),
            Failure::media_limit_exceeded);
  auto film = film_plan(Phase::check);
  film.limits.max_seconds = 1;
  EXPECT_EQ(failure_of_run(run(film, plain_film(60))), Failure::media_limit_exceeded);
  film = film_plan(Phase::check);
  film.limits.max_frames = 30;
  EXPECT_EQ(failure_of_run(run(film, plain_film(40))), Failure::media_limit_exceeded);
  film.limits.max_frames = 40;
  EXPECT_FALSE(failure_of_run(run(film, plain_film(40))));
}

TEST(Forensics, a_film_of_too_many_pixels_altogether_is_refused_before_the_work) {
  auto plan = film_plan(Phase::check);
  plan.limits.max_total_pixels = 320 * 240 * 39;
  EXPECT_EQ(failure_of_run(run(plan, plain_film(40))), Failure::media_limit_exceeded);
  plan.limits.max_total_pixels = 320 * 240 * 40;
  EXPECT_FALSE(failure_of_run(run(plan, plain_film(40))));
}

TEST(Forensics, what_the_check_has_let_pass_is_not_given_back_later) {
  auto plan = film_plan(Phase::process);
  plan.limits.max_frames = 10;
  EXPECT_EQ(failure_of_run(run(plan, plain_film(40))),
            has_face_detector() ? std::optional(Failure::decode_error) : std::nullopt);
}

TEST(Forensics, a_picture_that_claims_to_be_huge_is_too_large_and_not_damaged) {
  std::string picture = jpeg_of(tests::grey(tests::scene(64, 64, 29, 2))).content();
  // The frame header of a JPEG: height and width behind FF C0, its length and its precision.
  const auto at = picture.find("\xff\xc0");
  ASSERT_NE(at, std::string::npos);
  picture.replace(at + 5, 4, "\xff\xff\xff\xff");
  EXPECT_EQ(failure_of_run(run(plan_for(ModelType::ac1, MediaKind::image, Phase::check), TempFile(picture))),
            Failure::media_limit_exceeded);
}

TEST(FilmWriter, takes_pictures_of_one_size_only) {
  TempFile file;
  FilmWriter writer(file.fd(), 64, 48, 5);
  ASSERT_TRUE(writer.write({64, 48, std::vector<std::uint8_t>(64 * 48 * 3)}).has_value());
  EXPECT_THROW((void)writer.write({32, 24, std::vector<std::uint8_t>(32 * 24 * 3)}).has_value(), std::logic_error);
}

TEST(Forensics, a_film_without_a_face_is_inconclusive_without_a_score) {
  if (!has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  const auto done = run(film_plan(), plain_film());
  const auto& answer = done.answer.value();
  EXPECT_EQ(answer.faces, 0);
  EXPECT_EQ(answer.deep_fakes, 0);
  EXPECT_TRUE(answer.participants.empty());
  EXPECT_EQ(answer.analysis->verdict, Verdict::inconclusive);
  EXPECT_FALSE(answer.analysis->score);
  EXPECT_EQ(answer.analysis->warnings, std::vector<std::string>{"NO_FACE"});
  EXPECT_EQ(done.files.size(), 1u);
}

TempFile two_people(int frames = 60) {
  return film_of(frames, 25, [frames](int i) {
    std::vector<Looks> faces{{.x = 0.25 + 0.002 * i, .size = 0.55, .mouth = (i / 5 % 3) / 2.0}};
    if (i > frames / 3) faces.push_back({.x = 0.75, .y = 0.45, .size = 0.5, .skin = 150, .hair = 20, .wide = 1.15});
    return portrait(640, 360, faces, 30);
  });
}

TEST(Forensics, the_people_of_a_film_are_counted_boxed_and_drawn) {
  if (!has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  const auto done = run(film_plan(), two_people());
  const auto& answer = done.answer.value();
  ASSERT_EQ(answer.faces, 2);
  EXPECT_EQ(answer.participants.size(), 2u);
  EXPECT_EQ(answer.media.frames, 60);
  const auto result = done.result();
  EXPECT_EQ(members(result),
            (std::vector<std::string>{"resultType", "identityPredictions", "boundingBoxes", "boxScale", "analysis"}));
  EXPECT_EQ(result.at("boxScale").as_int64(), 2);
  const auto& first = result.at("boundingBoxes").at("0");
  const auto& boxes = first.at("boundingBox").as_object();
  std::int64_t last = -5;
  for (const auto& [frame, box] : boxes) {
    EXPECT_EQ(std::stoll(std::string(frame)), last + 5);
    last += 5;
    EXPECT_LT(box.as_array()[2].as_int64(), 320);
    EXPECT_LT(box.as_array()[0].as_int64(), box.as_array()[2].as_int64());
  }
  EXPECT_EQ(last, 55);  // the one on screen all the time is 0
  EXPECT_LT(result.at("boundingBoxes").at("1").at("boundingBox").as_object().size(), boxes.size());
  for (const auto& participant : answer.participants) {
    const auto& film = done.files.at(participant.file);
    EXPECT_EQ(film.substr(4, 4), "ftyp");
    const auto checked = run(film_plan(Phase::check), TempFile(film));
    EXPECT_FALSE(failure_of_run(checked));
    EXPECT_EQ(checked.answer->media.width, 640);
  }
}

TEST(Forensics, a_film_gives_the_same_bytes_again) {
  if (!has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  const auto film = two_people(30);
  EXPECT_EQ(run(film_plan(), film).files, run(film_plan(), film).files);
}

TEST(Forensics, a_film_that_breaks_off_is_a_decode_error) {
  if (!has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  // The index of our films stands at the end: zeros in the middle break the frames, and the check cannot see it.
  auto content = two_people(60).content();
  const auto from = content.size() / 4;
  content.replace(from, content.size() / 2, std::string(content.size() / 2, '\0'));
  const TempFile broken(content);
  EXPECT_FALSE(failure_of_run(run(film_plan(Phase::check), broken)));
  EXPECT_EQ(failure_of_run(run(film_plan(), broken)), Failure::decode_error);
}

Plan face_plan(Checks checks, MediaKind kind = MediaKind::image) {
  auto plan = plan_for(ModelType::fi1, kind);
  plan.checks = checks;
  return plan;
}

TEST(Forensics, an_embedding_is_512_numbers_of_length_one) {
  if (!has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  const auto done = run(plan_for(ModelType::fe1), jpeg_of(portrait(480, 480, {Looks{}}, 40)));
  ASSERT_FALSE(done.answer->failure) << done.answer->failure_message;
  const auto result = done.result();
  EXPECT_EQ(members(result),
            (std::vector<std::string>{"resultType", "embedding", "faceVector", "boxScale", "analysis"}));
  const auto& vector = result.at("embedding").as_array();
  ASSERT_EQ(vector.size(), 512u);
  EXPECT_EQ(vector, result.at("faceVector").as_array());
  double square = 0;
  for (const auto& number : vector) square += std::pow(number.to_number<double>(), 2);
  EXPECT_NEAR(std::sqrt(square), 1, 1e-5);
  EXPECT_FALSE(done.answer->analysis->verdict || done.answer->analysis->score);
}

TEST(Forensics, one_face_is_more_like_itself_than_like_another) {
  if (!has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  const Looks one{.size = 0.6}, other{.size = 0.6, .skin = 140, .hair = 200, .mouth = 1, .wide = 1.3};
  const auto plan = face_plan({.similarity = true});
  const auto reference = jpeg_of(portrait(480, 480, {one}, 41));
  const auto same = run(plan, jpeg_of(portrait(400, 420, {{.x = 0.45, .size = 0.5}}, 42)), {{"reference", &reference}});
  const auto different = run(plan, jpeg_of(portrait(480, 480, {other}, 43)), {{"reference", &reference}});
  ASSERT_TRUE(same.answer->similarity_score && different.answer->similarity_score);
  EXPECT_GT(*same.answer->similarity_score, *different.answer->similarity_score + 5);
  EXPECT_TRUE(*same.answer->is_similar);
  EXPECT_FALSE(same.answer->is_liveness || same.answer->is_deep_fake);
  EXPECT_TRUE(same.result().at("isLiveness").is_null());
}

TEST(Forensics, without_a_face_a_face_model_says_so) {
  if (!has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  const auto empty = jpeg_of(tests::grey(tests::scene(320, 240, 44, 2)));
  EXPECT_EQ(failure_of_run(run(plan_for(ModelType::fe1), empty)), Failure::no_face);
  EXPECT_EQ(failure_of_run(run(face_plan({.liveness = true}), empty)), Failure::no_face);
  const auto face = jpeg_of(portrait(480, 480, {Looks{}}, 45));
  EXPECT_EQ(failure_of_run(run(face_plan({.similarity = true}), face, {{"reference", &empty}})), Failure::no_face);
}

TEST(Forensics, a_second_face_is_worth_a_warning_only_where_one_was_announced) {
  if (!has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  const auto two = jpeg_of(portrait(800, 400, {{.x = 0.25, .size = 0.6}, {.x = 0.75, .size = 0.5}}, 46));
  const auto warned = [&](bool single) {
    const auto done = run(face_plan({.liveness = true, .single_face = single}), two);
    const auto& warnings = done.answer->analysis->warnings;
    return std::ranges::find(warnings, "MULTIPLE_FACES") != warnings.end();
  };
  EXPECT_TRUE(warned(true));
  EXPECT_FALSE(warned(false));
}

TEST(Forensics, a_still_picture_held_into_the_camera_is_not_alive) {
  if (!has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  const auto still = portrait(480, 360, {{.size = 0.7, .skin = 200}}, 47);
  const auto print = film_of(90, 25, [&](int) { return still; });
  const auto moving = film_of(90, 25, [](int i) {
    return portrait(480, 360,
                    {{.x = 0.5 + 0.01 * std::sin(i * 0.3), .size = 0.7, .mouth = std::abs(std::sin(i * 0.4))}}, 48);
  });
  const auto plan = face_plan({.liveness = true}, MediaKind::video);
  const auto of_print = run(plan, print), of_person = run(plan, moving);
  EXPECT_FALSE(*of_print.answer->is_liveness);
  EXPECT_TRUE(*of_person.answer->is_liveness);
}

}  // namespace
}  // namespace toll::engines::forensics
