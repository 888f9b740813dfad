// The method "spleeter" through the engine, with a small network of random weights. What the stems must be is the
// business of tests/parity.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/digest.h"
#include "engine/sandbox.h"
#include "engine/sanitizers.h"
#include "engines/onnx/runtime.h"
#include "engines/separation/tests/support.h"
#include "engines/spleeter/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;

std::string random_model() {
  const spleeter::testing::RandomCheckpoint random;
  const MemoryFile file;
  spleeter::write_network(random.checkpoint, {}, file.fd()).value();
  return file.content();
}

class Spleeter : public ::testing::Test {
 protected:
  Spleeter() : bytes_(random_model()), model_(bytes_) {
    plan_.method = "spleeter";
    plan_.stems = {"vocals", "accompaniment"};
    plan_.two_stem = "vocals";
    plan_.models = TrainedModels{.sha256 = {hex(sha256(bytes_))}, .memory_mib = 512};
  }
  void SetUp() override {
    if (auto loaded = onnx::load_runtime(); !loaded) GTEST_SKIP() << loaded.error().describe();
  }
  testing::Run run(const MemoryFile& song, std::stop_token stop = {}) {
    return separate(song.fd(), plan_, std::move(stop), {{"model.0", model_.fd()}});
  }

  std::string bytes_;
  MemoryFile model_;
  Plan plan_;
};

TEST_F(Spleeter, makes_two_stems_as_long_as_the_song_which_add_up_to_it) {
  const auto samples = noise(2 * 20'011, 1, 0.3f);
  const MemoryFile song(wav(samples));
  const auto done = run(song);
  ASSERT_TRUE(done.output) << done.output.error().describe();
  EXPECT_EQ(done.answer().frames, 20'011);
  EXPECT_EQ(done.files.size(), 6u);
  auto sum = done.decoded("vocals.wav");
  const auto rest = done.decoded("no_vocals.wav");
  ASSERT_EQ(sum.size(), samples.size());
  ASSERT_EQ(rest.size(), samples.size());
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += rest[i];
  EXPECT_LT(largest_difference(sum, samples), 1e-4) << "but for 16 bits";
  EXPECT_EQ(done.progress.back(), 1);
}

TEST_F(Spleeter, refuses_files_that_are_not_the_announced_ones) {
  const MemoryFile song(wav(noise(2 * 5'000, 3)));
  plan_.models->sha256 = {std::string(64, '0')};
  EXPECT_EQ(run(song).output.error().reason(), Reason::model_unusable);
  plan_.models->sha256 = {hex(sha256(bytes_))};
  plan_.stems = {"vocals", "drums"};
  EXPECT_EQ(run(song).output.error().reason(), Reason::model_unusable);
}

TEST_F(Spleeter, says_what_is_wrong_with_the_song_as_the_other_methods_do) {
  const MemoryFile text("no audio here"), song(wav(noise(2 * 100'000, 4)));
  EXPECT_EQ(run(text).output.error().reason(), Reason::undecodable_audio);
  plan_.max_seconds = 1;
  EXPECT_EQ(run(song).output.error().reason(), Reason::audio_too_long);
}

TEST_F(Spleeter, stops_when_it_is_told_to) {
  std::stop_source stop;
  stop.request_stop();
  const MemoryFile song(wav(noise(2 * 44'100, 6)));
  EXPECT_EQ(run(song, stop.get_token()).output.error().reason(), Reason::cancelled);
}

TEST_F(Spleeter, works_in_the_sandbox) {
  if (engine::built_with_sanitizer) GTEST_SKIP() << "a sanitizer needs what the sandbox forbids";
  const MemoryFile song(wav(noise(2 * 20'000, 7, 0.3f)));
  std::map<std::string, MemoryFile> files;
  engine::Input input{write_plan(plan_), {{std::string(input_name), song.fd()}, {"model.0", model_.fd()}}, {}, {}};
  for (const auto& name : output_files(plan_))
    input.outputs[name] = files.emplace(name, MemoryFile()).first->second.fd();
  std::vector<MemoryFile> scratch(scratch_files(plan_));
  for (const auto& file : scratch) input.scratch.push_back(file.fd());
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{3ull << 30, 3ull << 30};
    ::setrlimit(RLIMIT_AS, &limit);
    class Ignored final : public engine::Progress {
      void report(double) override {}
    } ignored;
    auto engine = make_separation_engine();
    engine->before_sandbox();
    engine::enter_sandbox();
    ::_exit(engine->run(input, ignored, {}) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  for (const auto& [name, file] : files) EXPECT_EQ(decode(file.fd()).value().size(), 2u * 20'000) << name;
}

TEST(SpleeterPlan, comes_back_as_it_was_written_and_is_one_model) {
  Plan plan{.method = "spleeter", .stems = {"vocals", "accompaniment"}, .two_stem = "vocals"};
  plan.models = TrainedModels{.sha256 = {std::string(64, 'a')}};
  EXPECT_EQ(write_plan(parse_plan(write_plan(plan)).value()), write_plan(plan));
  EXPECT_EQ(input_files(plan), (std::vector<std::string>{"audio", "model.0"}));
  EXPECT_EQ(scratch_files(plan), 2u);
  plan.models->sha256.push_back(std::string(64, 'b'));
  EXPECT_FALSE(parse_plan(write_plan(plan)));
  plan.models.reset();
  EXPECT_FALSE(parse_plan(write_plan(plan)));
}

}  // namespace
}  // namespace toll::engines::separation
