#include "engines/spleeter/separator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "engines/onnx/runtime.h"
#include "engines/spleeter/stft.h"
#include "engines/spleeter/tests/support.h"

namespace toll::engines::spleeter {
namespace {
using namespace testing;
using Extension = SeparatorOptions::Extension;

constexpr std::size_t stretch = 512 * 1024;  // frames of the song that one run of the network moves on

std::vector<float> noise(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.2f);
  std::vector<float> out(count);
  for (float& x : out) x = normal(random);
  return out;
}

TEST(Stft, is_undone_by_its_inverse) {
  Stft stft;
  const auto signal = noise(16 * Stft::hop, 1);
  std::vector<float> back(signal.size());
  std::vector<Stft::Value> spectrum(Stft::bins);
  for (std::size_t at = 0; at + Stft::size <= signal.size(); at += Stft::hop) {
    stft.forward(std::span(signal).subspan(at, Stft::size), spectrum);
    stft.add_inverse(spectrum, std::span(back).subspan(at, Stft::size));
  }
  for (std::size_t i = Stft::size; i + Stft::size < signal.size(); ++i) ASSERT_NEAR(back[i], signal[i], 1e-6);
}

class Separator : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto loaded = onnx::load_runtime(); !loaded) GTEST_SKIP() << loaded.error().describe();
    const RandomCheckpoint random;
    write_network(random.checkpoint, {}, file_.fd()).value();
    mapped_.emplace(onnx::MappedFile::open(file_.fd()).value());
    model_.emplace(Model::open(mapped_->bytes(), {}).value());
  }
  // Every stem as one vector.
  Result<std::vector<std::vector<float>>> separate(const std::vector<float>& song, Extension extension = {},
                                                   std::stop_token stop = {}) {
    std::vector<std::vector<float>> stems(2);
    std::size_t next = 0;
    const auto read = [&](std::span<float> into) -> Result<std::size_t> {
      const auto count = std::min(into.size(), song.size() - next);
      std::copy_n(song.begin() + static_cast<std::ptrdiff_t>(next), count, into.begin());
      next += count;
      return count / 2;
    };
    const auto sink = [&](std::int64_t first, const std::vector<std::vector<float>>& got) -> Result<void> {
      EXPECT_EQ(stems[0].size(), static_cast<std::size_t>(2 * first)) << "no gap";
      for (std::size_t s = 0; s < 2; ++s) stems[s].insert(stems[s].end(), got[s].begin(), got[s].end());
      return {};
    };
    const auto frames = TOLL_TRY(separate_song(*model_, {extension}, read, sink, stop));
    EXPECT_EQ(static_cast<std::size_t>(frames), song.size() / 2);
    return stems;
  }
  static double largest(const std::vector<float>& a, const std::vector<float>& b) {
    double out = a.size() == b.size() ? 0 : 1e9;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) out = std::max<double>(out, std::abs(a[i] - b[i]));
    return out;
  }

  MemoryFile file_;
  std::optional<onnx::MappedFile> mapped_;
  std::optional<Model> model_;
};

// Around the places where a stretch, a frame or the look-ahead of a stretch ends.
TEST_F(Separator, gives_stems_as_long_as_the_song_which_add_up_to_it_for_every_length) {
  for (std::size_t frames : {std::size_t{1}, std::size_t{1024}, stretch - 4097, stretch - 4096, stretch - 4095,
                             stretch - 1025, stretch - 1024, stretch - 1023, stretch, 2 * stretch - 4096}) {
    const auto song = noise(2 * frames, 5);
    const auto stems = separate(song);
    ASSERT_TRUE(stems.has_value()) << stems.error().describe();
    std::vector<float> sum((*stems)[0].size());
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = (*stems)[0][i] + (*stems)[1][i];
    EXPECT_LT(largest(sum, song), 2e-6) << frames;
  }
}

TEST_F(Separator, gives_an_empty_song_empty_stems) {
  EXPECT_TRUE(separate({}).value()[0].empty());
}

TEST_F(Separator, leaves_out_what_the_network_does_not_see_if_it_is_told_to) {
  std::vector<float> song(2 * 30'000);
  for (std::size_t i = 0; i < song.size(); ++i)
    song[i] = 0.5f * static_cast<float>(std::sin(2 * std::numbers::pi * 15'000 * static_cast<double>(i / 2) / 44'100));
  const auto with = separate(song, Extension::average).value(), without = separate(song, Extension::zeros).value();
  const auto loudest = [](const std::vector<float>& stem) {  // away from the ends, where the tone is more than a tone
    return *std::max_element(stem.begin() + 20'000, stem.begin() + 40'000);
  };
  EXPECT_GT(loudest(with[0]) + loudest(with[1]), 0.4);
  EXPECT_LT(loudest(without[0]) + loudest(without[1]), 1e-3);
}

TEST_F(Separator, stops_when_it_is_told_to) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(separate(noise(2 * 9000, 8), {}, stop.get_token()).error().reason(), Reason::cancelled);
}

TEST_F(Separator, passes_on_what_its_reader_and_its_sink_say) {
  const auto broken = [](std::span<float>) -> Result<std::size_t> { return Reason::undecodable_audio; };
  const auto one = [](std::span<float> into) -> Result<std::size_t> { return into[0] = 1, std::size_t{1}; };
  const auto full = [](std::int64_t, const std::vector<std::vector<float>>&) -> Result<void> {
    return Reason::storage_full;
  };
  EXPECT_EQ(separate_song(*model_, {}, broken, full, {}).error().reason(), Reason::undecodable_audio);
  EXPECT_EQ(separate_song(*model_, {}, one, full, {}).error().reason(), Reason::storage_full);
}

}  // namespace
}  // namespace toll::engines::spleeter
