#include <cerrno>

#include "engine/tests/worker_fixture.h"

namespace toll::engine::testing {
namespace {

class Sandbox : public WorkerTest {
 protected:
  void SetUp() override {
    if (built_with_sanitizer) GTEST_SKIP() << "no sandbox with a sanitizer";
  }
};

TEST_F(Sandbox, refuses_files_sockets_programs_and_other_processes) {
  auto errors = answer(run("escape"));
  EXPECT_EQ(errors.size(), 12u);
  for (const auto& [deed, error] : errors) EXPECT_EQ(error.as_int64(), EPERM) << deed;
}

TEST_F(Sandbox, kills_what_traces) {
  EXPECT_EQ(reason_of(run("trace")), Reason::worker_lost);
}

TEST_F(Sandbox, covers_threads_from_before) {
  EXPECT_EQ(value(run("early")), EPERM);
}

TEST_F(Sandbox, lets_new_threads_work) {
  EXPECT_EQ(value(run("threads")), 36 << 16);
}

TEST_F(Sandbox, lets_ffmpeg_and_lame_work) {
  EXPECT_GT(value(run("codec")), 40'000);
}

TEST_F(Sandbox, lets_fftw_work) {
  EXPECT_EQ(value(run("spectrum")), 100);
}

TEST_F(Sandbox, off_means_off) {
  auto limits = test_limits();
  limits.sandbox = false;
  use(limits);
  EXPECT_EQ(value(run("early")), 0);
}

}  // namespace
}  // namespace toll::engine::testing
