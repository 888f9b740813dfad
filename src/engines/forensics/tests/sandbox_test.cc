// The engine must work where the host runs it, and take no more memory for a longer film. Each run is a process of its
// own.
#include "engine/sandbox.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "engine/sanitizers.h"
#include "engines/forensics/tests/support.h"

namespace toll::engines::forensics {
namespace {

using namespace tests;

class Quiet final : public engine::Progress {
  void report(double) override {}
};

struct End {
  bool good = false;
  double peak_mib = 0;
};

End in_a_process(const std::function<bool()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  int status = 0;
  rusage usage{};
  const bool ended = ::wait4(child, &status, 0, &usage) == child;
  return {ended && status == 0, static_cast<double>(usage.ru_maxrss) / 1024};
}

// As the host runs it: 3 GiB of addresses, and nothing can be opened any more.
bool run_caged(const Plan& plan, const TempFile& media) {
  auto engine = make_forensics_engine();
  engine->before_sandbox();
  const rlimit limit{3ull << 30, 3ull << 30};
  ::setrlimit(RLIMIT_AS, &limit);
  std::map<std::string, TempFile> outputs;
  engine::Input input{.params = write_plan(plan), .inputs = {{"media", media.fd()}}};
  for (const auto& name : output_files(plan))
    input.outputs[name] = outputs.emplace(name, TempFile()).first->second.fd();
  engine::enter_sandbox();
  Quiet progress;
  const auto output = engine->run(input, progress, {});
  return output && !parse_answer(output->answer)->failure;
}

TempFile person(int frames) {
  return film_of(frames, 25,
                 [](int i) { return portrait(320, 240, {{.x = 0.4 + 0.002 * (i % 50), .size = 0.7}}, 70); });
}

class Caged : public ::testing::Test {
 protected:
  void SetUp() override {
    if (engine::built_with_sanitizer) GTEST_SKIP() << "a sanitizer needs what the sandbox forbids";
  }
};

TEST_F(Caged, a_picture_is_judged) {
  const auto picture = jpeg_of(portrait(640, 480, {Looks{}}, 71));
  EXPECT_TRUE(in_a_process([&] { return run_caged({.model_type = ModelType::ac1}, picture); }).good);
}

TEST_F(Caged, a_film_is_judged_and_drawn) {
  if (!has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  const auto film = person(30);
  const Plan plan{.model_type = ModelType::df1, .kind = MediaKind::video};
  EXPECT_TRUE(in_a_process([&] { return run_caged(plan, film); }).good);
}

TEST_F(Caged, a_film_five_times_as_long_takes_no_more_memory) {
  if (!has_face_detector()) GTEST_SKIP() << "skipped: built without the face detector";
  const auto brief = person(50), lengthy = person(250);
  const Plan plan{.model_type = ModelType::df1, .kind = MediaKind::video};
  const auto first = in_a_process([&] { return run_caged(plan, brief); });
  const auto second = in_a_process([&] { return run_caged(plan, lengthy); });
  ASSERT_TRUE(first.good && second.good);
  EXPECT_LT(second.peak_mib, first.peak_mib + 12);
}

}  // namespace
}  // namespace toll::engines::forensics
