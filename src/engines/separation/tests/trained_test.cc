// The method "htdemucs" through the engine, with a small network of random weights. What the stems must be is the
// business of tests/parity.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/digest.h"
#include "engine/sandbox.h"
#include "engine/sanitizers.h"
#include "engines/htdemucs/tests/support.h"
#include "engines/onnx/runtime.h"
#include "engines/separation/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;

std::string random_model(unsigned seed) {
  const htdemucs::testing::RandomCheckpoint random(htdemucs::testing::tiny(), seed);
  const MemoryFile file;
  htdemucs::write_network(random.checkpoint, {}, file.fd()).value();
  return file.content();
}

class Trained : public ::testing::Test {
 protected:
  Trained() : bytes_(random_model(1)), model_(bytes_) {
    plan_.method = "htdemucs";
    plan_.stems = {"bass", "drums"};
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

TEST_F(Trained, makes_the_stems_of_the_model_as_long_as_the_song) {
  const MemoryFile song(wav(noise(2 * 20'011, 1, 0.3f)));
  const auto done = run(song);
  ASSERT_TRUE(done.output) << done.output.error().describe();
  EXPECT_EQ(done.answer().frames, 20'011);
  EXPECT_EQ(done.files.size(), 6u);
  for (const auto& [name, file] : done.files) EXPECT_EQ(done.decoded(name).size(), 2u * 20'011) << name;
  EXPECT_NE(done.decoded("bass.wav"), done.decoded("drums.wav"));
  EXPECT_EQ(done.progress.back(), 1);
}

TEST_F(Trained, computes_in_single_precision_when_asked_and_hears_the_same) {
  const MemoryFile song(wav(noise(2 * 9'000, 3, 0.3f)));
  const auto fast = run(song).decoded("bass.wav");
  plan_.models->float32 = true;
  const auto exact = run(song).decoded("bass.wav");
  ASSERT_EQ(fast.size(), exact.size());
  double signal = 0, difference = 0;
  for (std::size_t i = 0; i < exact.size(); ++i)
    signal += exact[i] * exact[i], difference += (exact[i] - fast[i]) * (exact[i] - fast[i]);
  EXPECT_GT(signal, 1e6 * difference);
  EXPECT_GT(difference, 0) << "the param changes nothing";
}

TEST_F(Trained, sums_up_what_is_not_the_one_stem) {
  const MemoryFile song(wav(noise(2 * 9'000, 2, 0.3f)));
  const auto both = run(song);
  plan_.two_stem = "bass";
  const auto two = run(song);
  ASSERT_TRUE(two.output) << two.output.error().describe();
  EXPECT_EQ(two.files.size(), 6u);
  EXPECT_LT(largest_difference(two.decoded("no_bass.wav"), both.decoded("drums.wav")), 2e-4);
}

TEST_F(Trained, lets_other_take_in_stems_that_are_not_wanted_alone) {
  auto hyper = htdemucs::testing::tiny();
  hyper.sources = {"other", "piano", "drums"};
  const htdemucs::testing::RandomCheckpoint random(hyper);
  const MemoryFile model, song(wav(noise(2 * 9'000, 7, 0.1f)));
  htdemucs::write_network(random.checkpoint, {}, model.fd()).value();
  plan_.stems = {"drums", "other", "piano"};
  plan_.models->sha256 = {hex(sha256(model.content()))};
  plan_.two_stem = "drums";
  const auto without_drums = separate(song.fd(), plan_, {}, {{"model.0", model.fd()}});
  plan_.two_stem.reset();
  plan_.into_other = {"piano"};
  const auto two = separate(song.fd(), plan_, {}, {{"model.0", model.fd()}});
  ASSERT_TRUE(two.output) << two.output.error().describe();
  EXPECT_EQ(two.files.size(), 6u);
  EXPECT_LT(largest_difference(two.decoded("other.wav"), without_drums.decoded("no_drums.wav")), 2e-4);
}

TEST_F(Trained, refuses_files_that_are_not_the_announced_ones) {
  const MemoryFile song(wav(noise(2 * 5'000, 3)));
  plan_.models->sha256 = {std::string(64, '0')};
  EXPECT_EQ(run(song).output.error().reason(), Reason::model_unusable);
  plan_.models->sha256 = {hex(sha256(bytes_))};
  plan_.stems = {"vocals", "drums"};
  EXPECT_EQ(run(song).output.error().reason(), Reason::model_unusable);
}

TEST_F(Trained, says_what_is_wrong_with_the_song_as_the_other_method_does) {
  const MemoryFile text("no audio here"), song(wav(noise(2 * 100'000, 4)));
  EXPECT_EQ(run(text).output.error().reason(), Reason::undecodable_audio);
  plan_.max_seconds = 1;
  EXPECT_EQ(run(song).output.error().reason(), Reason::audio_too_long);
}

TEST_F(Trained, fails_a_model_that_may_not_have_the_memory_it_needs) {
  // The limit is of the process: an earlier test's model has gone, this one asks for more than there is.
  const MemoryFile song(wav(noise(2 * 5'000, 5)));
  auto hyper = htdemucs::testing::tiny();
  hyper.channels = 64;
  hyper.segment_frames = 44'100 * 20;
  const htdemucs::testing::RandomCheckpoint random(hyper);
  const MemoryFile large;
  htdemucs::write_network(random.checkpoint, {}, large.fd()).value();
  plan_.models->sha256 = {hex(sha256(large.content()))};
  plan_.models->memory_mib = 256;
  const auto done = separate(song.fd(), plan_, {}, {{"model.0", large.fd()}});
  EXPECT_EQ(done.output.error().reason(), Reason::model_unusable);
  EXPECT_TRUE((plan_.models->memory_mib = 1024, plan_.models->sha256 = {hex(sha256(bytes_))}, run(song).output));
}

TEST_F(Trained, tells_of_each_segment_of_each_model_of_a_bag) {
  const auto hyper = htdemucs::testing::tiny();
  const MemoryFile song(wav(noise(2 * 20 * static_cast<std::size_t>(hyper.segment_frames), 8, 0.3f))),
      second(random_model(2));
  plan_.models->sha256.push_back(hex(sha256(second.content())));
  const auto done = separate(song.fd(), plan_, {}, {{"model.0", model_.fd()}, {"model.1", second.fd()}});
  ASSERT_TRUE(done.output) << done.output.error().describe();
  EXPECT_TRUE(std::is_sorted(done.progress.begin(), done.progress.end()));
  double last = 0, longest = 0;
  for (const double now : done.progress) longest = std::max(longest, now - std::exchange(last, now));
  EXPECT_GE(done.progress.size(), 40u) << "at least twenty segments a model";
  EXPECT_LT(longest, 1.5 / 40);
}

TEST_F(Trained, stops_in_the_middle) {
  const MemoryFile song(wav(noise(2 * 44'100 * 60, 6)));
  std::stop_source stop;
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stop.request_stop();
  });
  EXPECT_EQ(run(song, stop.get_token()).output.error().reason(), Reason::cancelled);
}

TEST_F(Trained, works_in_the_sandbox) {
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

TEST(TrainedPlan, comes_back_as_it_was_written) {
  Plan plan{.method = "htdemucs", .stems = {"guitar", "piano"}};
  plan.models =
      TrainedModels{{std::string(64, 'a'), std::string(64, 'b')}, {{1, 0}, {0, 1}}, 0.5, {0, 100}, 2, 1024, true};
  EXPECT_TRUE(parse_plan(write_plan(plan)).value().models->float32);
  EXPECT_EQ(write_plan(parse_plan(write_plan(plan)).value()), write_plan(plan));
  EXPECT_EQ(input_files(plan), (std::vector<std::string>{"audio", "model.0", "model.1"}));
  EXPECT_EQ(scratch_files(plan), 3u);
  for (const char* models : {"null", "{}", R"({"sha256":[]})", R"({"sha256":["x"]})", R"({"sha256":[1]})"})
    EXPECT_FALSE(parse_plan(R"({"method":"htdemucs","models":)" + std::string(models) + "}").has_value()) << models;
  for (const char* extra : {R"("overlap":1)", R"("shifts":[-1])", R"("weights":[[1],[1]])", R"("threads":-1)",
                            R"("memory_mib":1)", R"("precision":"int4")"})
    EXPECT_FALSE(
        parse_plan(R"({"method":"htdemucs","models":{"sha256":[")" + std::string(64, 'a') + "\"]," + extra + "}}")
            .has_value())
        << extra;
  const Plan folded{.into_other = {"bass"}};
  EXPECT_EQ(parse_plan(write_plan(folded)).value().into_other, folded.into_other);
  EXPECT_EQ(output_stems(folded), (std::vector<std::string>{"drums", "other", "vocals"}));
  for (const char* name : {"other", "piano"})
    EXPECT_FALSE(parse_plan(R"({"into_other":[")" + std::string(name) + "\"]}").has_value()) << name;
  EXPECT_FALSE(
      parse_plan(R"({"method":"htdemucs","stems":["../a"],"models":{"sha256":[")" + std::string(64, 'a') + "\"]}}")
          .has_value());
}

}  // namespace
}  // namespace toll::engines::separation
