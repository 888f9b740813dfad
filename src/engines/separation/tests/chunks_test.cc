#include "engines/separation/chunks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engines/separation/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;
using Stems = std::vector<std::vector<float>>;

constexpr ChunkGrid small{.core = 640, .context = 128, .fade = 64};

struct Pipe {
  explicit Pipe(std::vector<float> input) : input(std::move(input)) {}

  Result<std::int64_t> run(const ChunkMethod& method, std::stop_token stop = {}) {
    auto source = [this](std::span<float> stereo) -> Result<std::size_t> {
      const auto count = std::min(stereo.size(), input.size() - taken);
      std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(taken), count, stereo.begin());
      taken += count;
      return count / 2;
    };
    auto sink = [this](std::int64_t frame, const Stems& stems) -> Result<void> {
      EXPECT_EQ(frame, static_cast<std::int64_t>(output.size() / 2)) << "in order, without gap";
      output.insert(output.end(), stems[0].begin(), stems[0].end());
      return {};
    };
    return separate_in_chunks(small, source, method, sink, stop);
  }

  std::vector<float> input, output;
  std::size_t taken = 0;
};

Stems copy(std::span<const float> stereo) {
  return {{stereo.begin(), stereo.end()}};
}

TEST(Chunks, pass_audio_of_any_length_through_to_the_sample) {
  for (std::size_t frames :
       {1u, 2u, 63u, 127u, 128u, 639u, 640u, 641u, 767u, 768u, 769u, 1279u, 1280u, 1281u, 1408u, 1409u, 9999u}) {
    Pipe pipe(noise(2 * frames, static_cast<unsigned>(frames)));
    EXPECT_EQ(*pipe.run(copy), static_cast<std::int64_t>(frames));
    EXPECT_LT(largest_difference(pipe.input, pipe.output), 1e-6) << frames;
  }
}

TEST(Chunks, lie_on_a_grid_that_the_end_does_not_move) {
  const auto regions_of = [](std::size_t frames) {
    std::vector<std::size_t> sizes;
    Pipe(noise(2 * frames, 1))
        .run([&](std::span<const float> stereo) {
          sizes.push_back(stereo.size() / 2);
          return copy(stereo);
        })
        .value();
    return sizes;
  };
  auto longer = regions_of(7000), shorter = regions_of(5000);
  shorter.pop_back();
  ASSERT_LT(shorter.size(), longer.size());
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), longer.begin()));
}

TEST(Chunks, leave_no_seam_where_they_disagree) {
  // Every chunk gives another constant: the output may only move in small steps.
  float level = 0;
  Pipe pipe(std::vector<float>(2 * 3000, 0.5f));
  pipe.run([&](std::span<const float> stereo) {
        level = 1 - level;
        return Stems{std::vector<float>(stereo.size(), level)};
      })
      .value();
  for (std::size_t i = 2; i < pipe.output.size(); ++i)
    ASSERT_LT(std::abs(pipe.output[i] - pipe.output[i - 2]), 1.5f / small.fade) << i;
}

TEST(Chunks, hand_on_the_faults_of_both_ends) {
  auto source = [](std::span<float>) -> Result<std::size_t> { return Reason::undecodable_audio; };
  auto sink = [](std::int64_t, const Stems&) -> Result<void> { return Reason::storage_full; };
  EXPECT_EQ(separate_in_chunks(small, source, copy, sink, {}).error().reason(), Reason::undecodable_audio);
  auto full = [](std::span<float> stereo) -> Result<std::size_t> { return stereo.size() / 2; };
  EXPECT_EQ(separate_in_chunks(small, full, copy, sink, {}).error().reason(), Reason::storage_full);
}

TEST(Chunks, end_at_a_stop_request) {
  std::stop_source stop;
  Pipe pipe(noise(2 * 5000, 2));
  const auto result = pipe.run(
      [&](std::span<const float> stereo) {
        stop.request_stop();
        return copy(stereo);
      },
      stop.get_token());
  EXPECT_EQ(result.error().reason(), Reason::cancelled);
  EXPECT_TRUE(pipe.output.empty());
}

}  // namespace
}  // namespace toll::engines::separation
