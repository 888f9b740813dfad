#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <thread>

#include "engine/sanitizers.h"
#include "engines/separation/encode.h"
#include "engines/separation/parallel.h"
#include "engines/separation/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;

std::vector<float> sum_of(const Run& run, const std::string& ending) {
  std::vector<float> sum;
  for (const auto& [name, file] : run.files) {
    if (!name.ends_with(ending)) continue;
    const auto stem = run.decoded(name);
    sum.resize(std::max(sum.size(), stem.size()));
    for (std::size_t i = 0; i < stem.size(); ++i) sum[i] += stem[i];
  }
  return sum;
}

TEST(Separation, makes_every_file_of_the_plan_as_long_as_the_input) {
  const auto stereo = noise(2 * 100'003, 1, 0.3f);
  const MemoryFile input(wav(stereo));
  const auto run = separate(input.fd());
  ASSERT_TRUE(run.output) << run.output.error().describe();
  EXPECT_EQ(run.answer().frames, 100'003);
  EXPECT_NEAR(run.answer().duration_seconds, 100'003 / 44100.0, 1e-9);
  EXPECT_EQ(run.answer().scale, 1);
  EXPECT_EQ(run.files.size(), 12u);
  for (const auto& [name, file] : run.files) EXPECT_EQ(run.decoded(name).size(), stereo.size()) << name;
  for (const char* stem : {"bass", "drums", "other", "vocals"})
    EXPECT_EQ(run.decoded(std::string(stem) + ".wav"), run.decoded(std::string(stem) + ".flac"));
  // Four roundings to 16 bits.
  EXPECT_LT(largest_difference(decode(wav(stereo)).value(), sum_of(run, ".wav")), 4.0 / 32768);
}

TEST(Separation, takes_the_shortest_audio) {
  for (std::size_t frames : {1u, 1023u}) {
    const MemoryFile input(wav(noise(2 * frames, 1)));
    const auto run = separate(input.fd());
    ASSERT_TRUE(run.output) << run.output.error().describe();
    EXPECT_EQ(run.decoded("vocals.wav").size(), 2 * frames);
    EXPECT_EQ(run.decoded("vocals.flac").size(), 2 * frames);
  }
}

TEST(Separation, makes_a_stem_and_the_sum_of_the_others) {
  const auto stereo = noise(2 * 50'000, 2, 0.3f);
  const MemoryFile input(wav(stereo));
  Plan plan;
  plan.two_stem = "drums";
  const auto two = separate(input.fd(), plan), four = separate(input.fd());
  ASSERT_TRUE(two.output && four.output);
  EXPECT_EQ(two.files.size(), 6u);
  EXPECT_EQ(two.decoded("drums.wav"), four.decoded("drums.wav"));
  auto others = four.decoded("bass.wav");
  for (const char* stem : {"other.wav", "vocals.wav"}) {
    const auto more = four.decoded(stem);
    for (std::size_t i = 0; i < others.size(); ++i) others[i] += more[i];
  }
  EXPECT_LT(largest_difference(two.decoded("no_drums.wav"), others), 3.0 / 32768);
}

TEST(Separation, scales_all_stems_alike_when_one_would_clip) {
  // A tone at twice full scale, as a float file may hold.
  const auto loud = sine(60'000, 440, 44100, 2, 2.0f);
  const MemoryFile input(wav(loud, {.floats = true}));
  const auto run = separate(input.fd());
  ASSERT_TRUE(run.output);
  const auto answer = run.answer();
  EXPECT_GT(answer.peak, 1);
  EXPECT_LT(answer.scale, 1);
  EXPECT_NEAR(answer.scale * answer.peak, 1, 1e-3);
  auto scaled = loud;
  for (float& x : scaled) x *= static_cast<float>(answer.scale);
  EXPECT_LT(largest_difference(scaled, sum_of(run, ".flac")), 4.0 / 32768);
  float largest = 0;
  for (const auto& [name, file] : run.files)
    if (name.ends_with(".wav"))
      for (float x : run.decoded(name)) largest = std::max(largest, std::abs(x));
  EXPECT_NEAR(largest, 1, 1e-3);
}

TEST(Separation, gives_the_same_bytes_on_every_run) {
  const MemoryFile input(wav(noise(2 * 60'000, 3)));
  const auto once = separate(input.fd()), again = separate(input.fd());
  for (const auto& [name, file] : once.files) EXPECT_EQ(file.content(), again.files.at(name).content()) << name;
}

TEST(Separation, reports_progress_that_never_falls_and_ends_at_one) {
  const MemoryFile input(wav(noise(2 * 200'000, 4)));
  const auto run = separate(input.fd());
  ASSERT_GT(run.progress.size(), 10u);
  EXPECT_TRUE(std::is_sorted(run.progress.begin(), run.progress.end()));
  EXPECT_GT(run.progress.front(), 0);
  EXPECT_EQ(run.progress.back(), 1);
}

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Measured as CPU time, so that a busy machine does not count against it.
TEST(Separation, ends_soon_after_a_stop_request_wherever_it_is) {
  const MemoryFile input(wav(noise(2 * 40 * 44100, 5)));
  for (int milliseconds : {0, 10, 30, 100, 200, 400, 800, 1500, 2500, 4000}) {
    std::stop_source stop;
    double asked = 0;
    std::jthread cancel([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
      asked = cpu_seconds();
      stop.request_stop();
    });
    const auto run = separate(input.fd(), {}, stop.get_token());
    cancel.join();
    if (run.output) continue;  // it was faster
    EXPECT_EQ(run.output.error().reason(), Reason::cancelled);
    EXPECT_LT(cpu_seconds() - asked, engine::built_with_sanitizer ? 3 : 0.3) << milliseconds;
  }
}

TEST(Separation, says_when_the_disk_is_full) {
  const int full = ::open("/dev/full", O_RDWR | O_CLOEXEC);
  ASSERT_GE(full, 0);
  const MemoryFile input(wav(noise(2 * 50'000, 6)));
  for (const char* name : {"bass.wav", "drums.flac", "vocals.mp3"}) {
    const auto run = separate(input.fd(), {}, {}, {{name, full}});
    ASSERT_FALSE(run.output) << name;
    EXPECT_EQ(run.output.error().reason(), Reason::storage_full) << name;
  }
  ::close(full);
}

TEST(Separation, names_what_is_wrong_with_the_input) {
  const MemoryFile text("no audio here\n"), long_audio(wav(noise(2 * 3 * 44100, 1)));
  EXPECT_EQ(separate(text.fd()).output.error().reason(), Reason::undecodable_audio);
  Plan plan;
  plan.max_seconds = 2;
  const auto refused = separate(long_audio.fd(), plan);
  EXPECT_EQ(refused.output.error().reason(), Reason::audio_too_long);
  EXPECT_EQ(refused.output.error().argument("limit"), "2");
}

class Ignored final : public engine::Progress {
  void report(double) override {}
};

TEST(Separation, refuses_bad_params_and_throws_at_missing_descriptors) {
  Ignored progress;
  auto engine = make_separation_engine();
  EXPECT_EQ(engine->run({"{\"method\":\"x\"}", {}, {}, {}}, progress, {}).error().reason(), Reason::invalid_request);
  EXPECT_THROW((void)engine->run({"{}", {}, {}, {}}, progress, {}), std::invalid_argument);
}

TEST(ParallelFor, covers_every_row_once_and_hands_on_what_is_thrown) {
  std::vector<int> seen(1001);
  parallel_for(seen.size(), 7, {}, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) ++seen[i];
  });
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 1001);
  EXPECT_THROW(parallel_for(100, 1, {}, [](std::size_t, std::size_t) { throw std::bad_alloc(); }), std::bad_alloc);
}

}  // namespace
}  // namespace toll::engines::separation
