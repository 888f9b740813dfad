// Peak memory must not grow with the length of the audio. Each run is a process of its own, so that its peak is its
// own.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include <fcntl.h>

#include "base/digest.h"
#include "engine/sanitizers.h"
#include "engines/av/files.h"
#include "engines/htdemucs/tests/support.h"
#include "engines/onnx/runtime.h"
#include "engines/separation/chunks.h"
#include "engines/separation/decode.h"
#include "engines/separation/encode.h"
#include "engines/separation/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;

// Silence of any length that takes no room: the header, and then a hole.
MemoryFile silence(std::int64_t seconds) {
  const auto header = wav_header(seconds * 44100);
  MemoryFile file(std::string_view(reinterpret_cast<const char*>(header.data()), header.size()));
  file.resize(static_cast<std::int64_t>(header.size()) + seconds * 44100 * 4);
  return file;
}

// A sanitizer keeps freed memory for a while: no peak to compare.
class Memory : public ::testing::Test {
 protected:
  void SetUp() override {
    if (engine::built_with_sanitizer) GTEST_SKIP() << "not with a sanitizer";
  }
};

double peak_mib(const std::function<bool()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  int status = 0;
  rusage usage{};
  if (::wait4(child, &status, 0, &usage) != child || status != 0) return -1;
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// Decoding and chunking as the engine does them, with a method that only copies.
bool pass_through(std::int64_t seconds) {
  const auto file = silence(seconds);
  auto decoder = Decoder::open(file.fd(), 43200, {});
  if (!decoder) return false;
  const auto frames = separate_in_chunks(
      {}, [&](std::span<float> stereo) { return decoder->read(stereo); },
      [](std::span<const float> stereo) { return std::vector(4, std::vector<float>(stereo.begin(), stereo.end())); },
      [](std::int64_t, const std::vector<std::vector<float>>&) -> Result<void> { return {}; }, {});
  return frames && *frames == seconds * 44100;
}

Plan spectral_plan() {
  Plan plan;
  plan.two_stem = "vocals";
  return plan;
}

// The whole engine, with files on disk. `models`: the files of the plan's.
bool run_engine(const Plan& plan, std::int64_t seconds, const std::vector<std::string>& models = {}) {
  class Ignored final : public engine::Progress {
    void report(double) override {}
  } progress;
  const auto folder = std::filesystem::temp_directory_path();
  const auto file = [&] { return ::open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600); };
  const auto audio = silence(seconds);
  engine::Input input{write_plan(plan), {{std::string(input_name), audio.fd()}}, {}, {}};
  std::vector<MemoryFile> mapped;
  for (std::size_t i = 0; i < models.size(); ++i)
    input.inputs["model." + std::to_string(i)] = mapped.emplace_back(models[i]).fd();
  for (const auto& name : output_files(plan)) input.outputs[name] = file();
  for (std::size_t i = 0; i < scratch_files(plan); ++i) input.scratch.push_back(file());
  const auto output = make_separation_engine()->run(input, progress, {});
  return output && parse_answer(output->answer)->frames == seconds * 44100;
}

// Two small networks, each for one stem.
struct SmallBag {
  SmallBag() {
    plan.method = "htdemucs";
    plan.stems = {"bass", "drums"};
    plan.models.emplace();
    plan.models->weights = {{1, 0}, {0, 1}};
    plan.models->memory_mib = 512;
    plan.models->threads = 1;
    auto hyper = htdemucs::testing::tiny();
    hyper.depth = 4;
    hyper.nfft = 2048;
    hyper.segment_frames = 88'200;
    for (const unsigned seed : {1, 2}) {
      const htdemucs::testing::RandomCheckpoint random(hyper, seed);
      const MemoryFile file;
      htdemucs::write_network(random.checkpoint, {}, file.fd()).value();
      plan.models->sha256.push_back(hex(sha256(models.emplace_back(file.content()))));
    }
  }
  double peak(std::int64_t seconds) const {
    return peak_mib([&] { return run_engine(plan, seconds, models); });
  }
  Plan plan;
  std::vector<std::string> models;
};

TEST_F(Memory, of_decoding_and_chunking_is_the_same_for_an_hour_as_for_three_minutes) {
  const double shorter = peak_mib([] { return pass_through(180); }),
               longer = peak_mib([] { return pass_through(3600); });
  ASSERT_GT(shorter, 0);
  ASSERT_GT(longer, 0);
  EXPECT_LT(longer, 1.05 * shorter + 8);
}

TEST_F(Memory, of_the_engine_is_the_same_for_two_minutes_as_for_one) {
  const double shorter = peak_mib([] { return run_engine(spectral_plan(), 60); }),
               longer = peak_mib([] { return run_engine(spectral_plan(), 120); });
  ASSERT_GT(shorter, 0);
  ASSERT_GT(longer, 0);
  EXPECT_LT(longer, 1.05 * shorter + 8);
}

// Takes about an hour and 35 GB of the temporary folder.
TEST_F(Memory, of_the_engine_is_the_same_for_eight_hours_as_for_three_minutes) {
  if (!std::getenv("TOLL_LONG_TESTS")) GTEST_SKIP() << "set TOLL_LONG_TESTS=1";
  const double shorter = peak_mib([] { return run_engine(spectral_plan(), 180); }),
               longer = peak_mib([] { return run_engine(spectral_plan(), 8 * 3600); });
  ASSERT_GT(shorter, 0);
  ASSERT_GT(longer, 0);
  EXPECT_LT(longer, 1.05 * shorter + 8);
}

bool can_run_models() {
  // In a process of its own: a fork of one with the runtime's threads has none of them.
  return peak_mib([] { return onnx::load_runtime().has_value(); }) > 0;
}

TEST_F(Memory, of_a_bag_of_trained_models_is_the_same_for_four_minutes_as_for_one) {
  if (!can_run_models()) GTEST_SKIP() << "without ONNX Runtime";
  const SmallBag bag;
  const double shorter = bag.peak(60), longer = bag.peak(240);
  ASSERT_GT(shorter, 0);
  ASSERT_GT(longer, 0);
  EXPECT_LT(longer, 1.05 * shorter + 8);
}

// Takes about an hour and 45 GB of the temporary folder, less where it compresses.
TEST_F(Memory, of_a_bag_of_trained_models_is_the_same_for_eight_hours_as_for_three_minutes) {
  if (!std::getenv("TOLL_LONG_TESTS")) GTEST_SKIP() << "set TOLL_LONG_TESTS=1";
  if (!can_run_models()) GTEST_SKIP() << "without ONNX Runtime";
  const SmallBag bag;
  const double shorter = bag.peak(180), longer = bag.peak(8 * 3600);
  ASSERT_GT(shorter, 0);
  ASSERT_GT(longer, 0);
  std::printf("[   peaks  ] 3 minutes %.0f MiB, 8 hours %.0f MiB\n", shorter, longer);
  EXPECT_LT(longer, 1.05 * shorter + 8);
}

}  // namespace
}  // namespace toll::engines::separation
