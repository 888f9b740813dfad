#include "engines/htdemucs/separator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engines/htdemucs/stft.h"
#include "engines/htdemucs/tests/support.h"
#include "engines/onnx/runtime.h"

namespace toll::engines::htdemucs {
namespace {
using namespace testing;

std::vector<float> noise(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.2f);
  std::vector<float> out(count);
  for (float& x : out) x = normal(random);
  return out;
}

TEST(SegmentStft, is_undone_by_its_inverse) {
  const SegmentStft stft(512, 4410);
  const auto signal = noise(4410, 1);
  std::vector<float> spectrum(2 * stft.plane()), back(4410);
  stft.forward(signal, spectrum);
  stft.add_inverse(spectrum, 1, 0, back);
  // All but the highest frequency, which the network never sees.
  double error = 0, power = 0;
  for (std::size_t i = 0; i < back.size(); ++i)
    error += std::pow(back[i] - signal[i], 2), power += std::pow(signal[i], 2);
  EXPECT_LT(error, 0.02 * power);
  std::vector<float> again(2 * stft.plane()), twice(4410);
  stft.forward(back, again);
  stft.add_inverse(again, 1, 0, twice);
  for (std::size_t i = 600; i < 3800; ++i) EXPECT_NEAR(twice[i], back[i], 0.02);
}

TEST(Loudness, is_that_of_the_mono_mix) {
  const auto stereo = noise(2000, 3);
  Loudness whole, parts;
  whole.add(stereo);
  for (std::size_t at = 0; at < stereo.size(); at += 300)
    parts.add(std::span(stereo).subspan(at, std::min<std::size_t>(300, stereo.size() - at)));
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < 1000; ++i) sum += (stereo[2 * i] + stereo[2 * i + 1]) / 2.0;
  for (std::size_t i = 0; i < 1000; ++i) squares += std::pow((stereo[2 * i] + stereo[2 * i + 1]) / 2.0 - sum / 1000, 2);
  for (const auto* loudness : {&whole, &parts}) {
    EXPECT_NEAR(loudness->mean(), sum / 1000, 1e-9);
    EXPECT_NEAR(loudness->deviation(), std::sqrt(squares / 999), 1e-9);
  }
}

class Separator : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto loaded = onnx::load_runtime(); !loaded) GTEST_SKIP() << loaded.error().describe();
    const RandomCheckpoint random(tiny());
    write_network(random.checkpoint, {}, file_.fd()).value();
    mapped_.emplace(onnx::MappedFile::open(file_.fd()).value());
    model_.emplace(Model::open(mapped_->bytes(), {}).value());
  }
  // Every stem as one vector, by a bag of the same model with these weights. Fails when a call leaves a gap.
  Result<std::vector<std::vector<float>>> separate(const std::vector<std::vector<double>>& weights,
                                                   const std::vector<float>& song, const SeparatorOptions& options = {},
                                                   std::stop_token stop = {}) {
    const Ensemble bag{[&](std::size_t number) -> Result<Model*> {
                         taken_.push_back(number);
                         return &*model_;
                       },
                       weights};
    Loudness loudness;
    loudness.add(song);
    std::vector<std::vector<float>> stems(2);
    auto done = separate_song(
        bag, options, static_cast<std::int64_t>(song.size() / 2), loudness,
        [&](std::int64_t first, std::span<float> into) -> Result<void> {
          std::copy_n(song.begin() + 2 * first, into.size(), into.begin());
          return {};
        },
        [&](std::int64_t first, const std::vector<std::vector<float>>& got) -> Result<void> {
          EXPECT_EQ(stems[0].size(), static_cast<std::size_t>(2 * first));
          for (std::size_t s = 0; s < 2; ++s) stems[s].insert(stems[s].end(), got[s].begin(), got[s].end());
          return {};
        },
        [](std::int64_t, std::int64_t) {}, stop);
    if (!done) return std::move(done).error();
    return stems;
  }
  static double difference(const std::vector<float>& a, const std::vector<float>& b) {
    double largest = a.size() == b.size() ? 0 : 1e9;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
      largest = std::max<double>(largest, std::abs(a[i] - b[i]));
    return largest;
  }

  const std::vector<std::vector<double>> one_{{1, 1}};
  std::vector<std::size_t> taken_;  // numbers, one a turn
  MemoryFile file_;
  std::optional<onnx::MappedFile> mapped_;
  std::optional<Model> model_;
};

TEST_F(Separator, gives_stems_as_long_as_the_song_for_every_length) {
  for (std::size_t frames : {1, 2, 100, 3307, 3308, 4409, 4410, 4411, 14000}) {
    const auto stems = separate(one_, noise(2 * frames, 5));
    ASSERT_TRUE(stems.has_value()) << stems.error().describe();
    for (const auto& stem : *stems) {
      EXPECT_EQ(stem.size(), 2 * frames);
      for (float x : stem) ASSERT_TRUE(std::isfinite(x));
    }
  }
}

TEST_F(Separator, gives_a_bag_of_the_same_model_the_result_of_the_model) {
  const auto song = noise(2 * 9000, 6);
  const auto alone = separate(one_, song).value();
  const auto bag = separate({{1, 0}, {3, 2}}, song).value();
  for (std::size_t s = 0; s < 2; ++s) EXPECT_LT(difference(alone[s], bag[s]), 1e-6);
}

TEST_F(Separator, asks_a_model_only_for_sources_that_it_counts_for) {
  const auto mix = noise(2 * 4410, 12);
  std::vector<float> all(4 * 4410), second(4 * 4410, 7);
  ASSERT_TRUE(model_->separate(mix, {}, all, {}).has_value());
  ASSERT_TRUE(model_->separate(mix, {false, true}, second, {}).has_value());
  for (std::size_t i = 0; i < 2 * 4410; ++i) ASSERT_EQ(second[i], 7);
  for (std::size_t i = 2 * 4410; i < 4 * 4410; ++i) ASSERT_EQ(second[i], all[i]);
  const auto song = noise(2 * 9000, 13);
  const auto alone = separate(one_, song).value();
  taken_.clear();
  const auto bag = separate({{1, 0}, {0, 0}, {0, 1}}, song).value();
  EXPECT_EQ(std::ranges::count(taken_, 1u), 0) << "a model that counts for nothing";
  for (std::size_t s = 0; s < 2; ++s) EXPECT_LT(difference(alone[s], bag[s]), 1e-6);
}

TEST_F(Separator, lets_the_models_of_a_bag_take_long_turns_after_a_short_one) {
  const std::size_t segments = 60;
  separate({{1, 0}, {0, 1}}, noise(2 * 3307 * segments, 14)).value();
  // Once to look at it, then 1, 2, 4, ... segments each; whose turn was last goes on.
  EXPECT_EQ(taken_, (std::vector<std::size_t>{0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1}));
}

// What a listener waits for: the work before the first stems is the least that they can be made of, a segment for each
// model and shift, however long the song is.
TEST_F(Separator, gives_its_first_stems_after_one_segment_of_every_model_and_shift) {
  auto hyper = tiny();
  hyper.segment_frames = 88'200;  // the stride is longer than the largest shift, as of the published models
  const RandomCheckpoint random(hyper);
  const MemoryFile file;
  write_network(random.checkpoint, {}, file.fd()).value();
  const auto mapped = onnx::MappedFile::open(file.fd()).value();
  model_.emplace(Model::open(mapped.bytes(), {}).value());
  const auto segments_before_the_first_stems = [&](const std::vector<std::vector<double>>& weights,
                                                   std::vector<int> shifts) {
    std::int64_t segments = 0, at_first = -1;
    separate_song(
        {[&](std::size_t) -> Result<Model*> { return &*model_; }, weights}, {.shifts = std::move(shifts)}, 600'000, {},
        [](std::int64_t, std::span<float>) -> Result<void> { return {}; },
        [&](std::int64_t, const std::vector<std::vector<float>>&) -> Result<void> {
          if (at_first < 0) at_first = segments;
          return {};
        },
        [&](std::int64_t, std::int64_t) { ++segments; }, {})
        .value();
    return at_first;
  };
  EXPECT_EQ(segments_before_the_first_stems({{1, 1}}, {}), 1);
  EXPECT_EQ(segments_before_the_first_stems({{1, 0}, {0, 1}}, {}), 2);
  EXPECT_EQ(segments_before_the_first_stems({{1, 1}}, {0, 22050}), 2);
  EXPECT_EQ(segments_before_the_first_stems({{1, 1}}, {7, 11025, 22000}), 3);
  EXPECT_EQ(segments_before_the_first_stems({{1, 0}, {0, 1}}, {100, 20000}), 4);
}

TEST_F(Separator, averages_over_shifts) {
  const auto song = noise(2 * 9000, 7);
  const auto a = separate(one_, song, {.shifts = {100}}).value();
  const auto b = separate(one_, song, {.shifts = {20000}}).value();
  const auto both = separate(one_, song, {.shifts = {100, 20000}}).value();
  EXPECT_GT(difference(a[0], b[0]), 1e-4);
  std::vector<float> mean(a[0].size());
  for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = (a[0][i] + b[0][i]) / 2;
  EXPECT_LT(difference(mean, both[0]), 1e-5);
}

TEST_F(Separator, is_silent_about_silence) {
  const auto stems = separate(one_, std::vector<float>(2 * 6000)).value();
  for (float x : stems[0]) ASSERT_LT(std::abs(x), 1e-3);
}

TEST_F(Separator, stops_when_it_is_told_to) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(separate(one_, noise(2 * 9000, 8), {}, stop.get_token()).error().reason(), Reason::cancelled);
}

TEST_F(Separator, refuses_a_bag_that_does_not_fit) {
  const auto song = noise(2 * 1000, 9);
  EXPECT_EQ(separate({}, song).error().reason(), Reason::model_unusable);
  EXPECT_EQ(separate({{1, 0}}, song).error().reason(), Reason::model_unusable);
  EXPECT_EQ(separate({{1, 1, 1}}, song).error().reason(), Reason::model_unusable);
  EXPECT_EQ(separate(one_, song, {.overlap = 1}).error().reason(), Reason::invalid_request);
  EXPECT_EQ(separate(one_, song, {.shifts = {-1}}).error().reason(), Reason::invalid_request);
}

// The operators of our own against ONNX's: every branch, tiles that end in the middle, rows and columns.
TEST_F(Separator, gives_the_same_with_and_without_operators_of_its_own) {
  for (const int mode : {3, 2, 1}) {
    auto hyper = tiny();
    hyper.dconv_mode = mode;
    hyper.dconv_depth = mode == 2 ? -2 : 3;
    hyper.channels = 5;
    hyper.dconv_comp = 1.5;
    hyper.bottom_channels = 8;
    hyper.segment_frames = 9'001;
    const RandomCheckpoint random(hyper, 9);
    std::vector<std::vector<float>> results;
    for (const bool portable : {false, true}) {
      const MemoryFile file;
      write_network(random.checkpoint, {.portable = portable}, file.fd()).value();
      const auto mapped = onnx::MappedFile::open(file.fd()).value();
      auto model = Model::open(mapped.bytes(), {}).value();
      const auto mix = noise(2 * 9'001, 4);
      results.emplace_back(4 * 9'001);
      ASSERT_TRUE(model.separate(mix, {}, results.back(), {}).has_value());
    }
    EXPECT_GT(*std::max_element(results[0].begin(), results[0].end()), 1e-3f);
    EXPECT_LT(difference(results[0], results[1]), 2e-5) << mode;
  }
}

TEST_F(Separator, opens_only_what_was_imported) {
  const auto other = onnx::testing::affine_model();
  EXPECT_EQ(Model::open(bytes(other), {}).error().reason(), Reason::model_unusable);
}

}  // namespace
}  // namespace toll::engines::htdemucs
