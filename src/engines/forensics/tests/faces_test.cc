// Detection, tracking, and the signals of faces.
#include <gtest/gtest.h>

#include <cmath>

#include "engines/forensics/descriptor.h"
#include "engines/forensics/tests/support.h"
#include "engines/forensics/tracks.h"

namespace toll::engines::forensics {
namespace {

using tests::Looks;
using tests::portrait;

Face face_at(double x, double y, double side) {
  Face face{.box = {x, y, x + side, y + side}, .score = 0.9, .points = {}};
  const double places[6][2] = {{0.3, 0.3}, {0.7, 0.3}, {0.5, 0.55}, {0.5, 0.8}, {0.05, 0.4}, {0.95, 0.4}};
  for (std::size_t i = 0; i < 6; ++i) face.points[i] = {x + places[i][0] * side, y + places[i][1] * side};
  return face;
}

double score_of(const std::vector<Signal>& signals, const std::string& name) {
  for (const auto& signal : signals)
    if (signal.name == name) return signal.score;
  ADD_FAILURE() << "there is no signal " << name;
  return -1;
}

TEST(Faces, are_found_where_they_are_drawn) {
  if (!tests::has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  auto detector = FaceDetector::open().value();
  const auto faces =
      detector.find(portrait(960, 480, {{.x = 0.25, .size = 0.6}, {.x = 0.8, .y = 0.6, .size = 0.35}}, 80),
                    FaceDetector::Depth::image, {});
  ASSERT_EQ(faces->size(), 2u);
  const auto& large = faces->at(0);
  EXPECT_NEAR((large.box.x1 + large.box.x2) / 2, 240, 30);
  EXPECT_NEAR(large.points[0].x, 240 - 0.15 * 288, 20);
  EXPECT_LT(large.points[0].x, large.points[1].x);
  EXPECT_NEAR((faces->at(1).box.x1 + faces->at(1).box.x2) / 2, 768, 30);
  EXPECT_TRUE(detector.find(tests::grey(tests::scene(480, 360, 81, 3)), FaceDetector::Depth::image, {})->empty());
}

TEST(Faces, repeats_become_one_and_neighbours_stay_two) {
  const auto one = without_repeats({face_at(100, 100, 50), face_at(104, 98, 52), face_at(300, 100, 50)});
  EXPECT_EQ(one.size(), 2u);
  EXPECT_EQ(without_repeats({face_at(100, 100, 80), face_at(120, 120, 20)}).size(), 1u);
}

TEST(Tracker, keeps_two_people_apart_and_counts_who_is_longer_on_screen) {
  Tracker tracker;
  for (int i = 0; i < 20; ++i) {
    std::vector<Face> faces{face_at(100 + 3.0 * i, 100, 80)};
    if (i >= 8) faces.insert(faces.begin(), face_at(400 - 3.0 * i, 110, 70));
    tracker.follow(5 * i, faces, false);
  }
  const auto people = tracker.finish(3, 16);
  ASSERT_EQ(people.size(), 2u);
  EXPECT_EQ(people[0].samples(), 20u);
  EXPECT_EQ(people[1].samples(), 12u);
  EXPECT_NEAR(people[0].boxes.at(95).x1, 157, 1e-9);
}

TEST(Tracker, forgets_what_was_seen_once_and_outlives_a_missed_frame) {
  Tracker tracker;
  for (int i = 0; i < 10; ++i) {
    std::vector<Face> faces;
    if (i != 4 && i != 5) faces.push_back(face_at(100, 100, 80));
    if (i == 7) faces.push_back(face_at(500, 300, 40));
    tracker.follow(5 * i, faces, false);
  }
  const auto people = tracker.finish(3, 16);
  ASSERT_EQ(people.size(), 1u);
  EXPECT_EQ(people[0].samples(), 8u);
}

TEST(Tracker, a_cut_ends_a_track_though_a_face_stands_in_the_same_place) {
  Tracker tracker;
  for (int i = 0; i < 10; ++i) tracker.follow(5 * i, {face_at(100, 100, 80)}, i == 5);
  EXPECT_EQ(tracker.finish(3, 16).size(), 2u);
}

TEST(Cuts, are_seen_and_movement_is_none) {
  CutFinder finder;
  const auto day = tests::grey(tests::scene(320, 240, 82, 2));
  Picture night = day;
  for (auto& value : night.rgb) value = static_cast<std::uint8_t>(value / 4);
  EXPECT_FALSE(finder.is_cut(day));
  EXPECT_FALSE(finder.is_cut(day));
  EXPECT_TRUE(finder.is_cut(night));
}

// The face made soft, as if it had been enlarged from a small one.
Picture with_soft_face(Picture picture, const Box& box) {
  const int width = static_cast<int>(box.width()), height = static_cast<int>(box.height());
  const auto small = cut(picture, box, width / 6, height / 6);
  const auto soft =
      cut(small, {0, 0, static_cast<double>(small.width), static_cast<double>(small.height)}, width, height);
  for (int y = 0; y < height; ++y)
    std::copy_n(soft.at(0, y), 3 * width, picture.at(static_cast<int>(box.x1), static_cast<int>(box.y1) + y));
  return picture;
}

TEST(FaceSignals, a_soft_face_in_sharp_surroundings_stands_out) {
  const auto picture = tests::grey(tests::scene(480, 480, 83, 8));
  const auto face = face_at(140, 140, 200);
  FaceHistory honest, swapped;
  for (int i = 0; i < 3; ++i) {
    honest.add(measure(picture, face.box), face, aligned(picture, face));
    const auto soft = with_soft_face(picture, face.box);
    swapped.add(measure(soft, face.box), face, aligned(soft, face));
  }
  EXPECT_LT(score_of(honest.swap_signals(), "face_resolution"), 0.1);
  EXPECT_GT(score_of(swapped.swap_signals(), "face_resolution"), 0.6);
  EXPECT_LT(score_of(honest.swap_signals(), "face_noise"), 0.1);
  EXPECT_GT(score_of(swapped.swap_signals(), "face_noise"), 0.5);
}

TEST(FaceSignals, points_that_jump_and_texture_that_flickers_are_told_from_calm) {
  tests::Dice dice(84);
  FaceHistory calm, restless;
  const auto picture = portrait(320, 320, {{.size = 0.7}}, 85);
  for (int i = 0; i < 12; ++i) {
    const auto face = face_at(90, 90, 140);
    calm.add({}, face, aligned(picture, face));
    auto jumpy = face;
    for (std::size_t p = 2; p < 6; ++p)
      jumpy.points[p].x += 12 * dice.normal(), jumpy.points[p].y += 12 * dice.normal();
    restless.add({}, jumpy, tests::scene(aligned_side, aligned_side, 200 + static_cast<unsigned>(i), 20));
  }
  EXPECT_LT(score_of(calm.swap_signals(), "point_jitter"), 0.05);
  EXPECT_GT(score_of(restless.swap_signals(), "point_jitter"), 0.5);
  EXPECT_LT(score_of(calm.swap_signals(), "texture_flicker"), 0.05);
  EXPECT_GT(score_of(restless.swap_signals(), "texture_flicker"), 0.5);
  EXPECT_GT(score_of(calm.spoof_signals(), "motionless"), 0.9);
  EXPECT_LT(score_of(restless.spoof_signals(), "motionless"), 0.1);
}

TEST(FaceSignals, the_pattern_of_a_filmed_screen_is_moire) {
  auto picture = portrait(480, 480, {{.size = 0.9}}, 86);
  const auto face = face_at(90, 120, 300);
  FaceHistory direct, filmed;
  direct.add(measure(picture, face.box), face, aligned(picture, face));
  for (int y = 0; y < 480; ++y)
    for (int x = 0; x < 480; ++x)
      for (int c = 0; c < 3; ++c) {
        const double value = picture.at(x, y)[c] + 12 * std::sin(2 * M_PI * (0.27 * x + 0.33 * y));
        picture.at(x, y)[c] = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
      }
  filmed.add(measure(picture, face.box), face, aligned(picture, face));
  EXPECT_LT(score_of(direct.spoof_signals(), "moire"), 0.2);
  EXPECT_GT(score_of(filmed.spoof_signals(), "moire"), 0.7);
}

TEST(Descriptor, is_of_length_one_and_survives_another_size_and_place) {
  const auto one = portrait(400, 400, {{.size = 0.6}}, 87), again = portrait(640, 480, {{.x = 0.4, .size = 0.7}}, 88);
  const auto face_of = [](double x, double y, double unit) {
    Face face{.box = {x - 0.35 * unit, y - 0.3 * unit, x + 0.35 * unit, y + 0.4 * unit}, .score = 1, .points = {}};
    const double places[6][2] = {{-0.15, -0.05}, {0.15, -0.05}, {0, 0.15}, {0, 0.28}, {-0.33, 0}, {0.33, 0}};
    for (std::size_t i = 0; i < 6; ++i) face.points[i] = {x + places[i][0] * unit, y + places[i][1] * unit};
    return face;
  };
  const auto first = face_of(200, 200, 240), second = face_of(256, 240, 336);
  const auto a = describe(aligned(one, first), first), b = describe(aligned(again, second), second);
  EXPECT_EQ(a.size(), static_cast<std::size_t>(embedding_width));
  EXPECT_NEAR(dot(a, a), 1, 1e-5);
  EXPECT_GT(dot(a, b), 0.85);
}

}  // namespace
}  // namespace toll::engines::forensics
