#include <cerrno>

#include "engine/tests/worker_fixture.h"

namespace toll::engine::testing {
namespace {

using std::chrono::seconds;
using Steady = std::chrono::steady_clock;

class EngineLimits : public WorkerTest {};

TEST_F(EngineLimits, memory_ends_the_run_not_the_worker) {
  if (built_with_sanitizer) GTEST_SKIP() << "no address-space limit with a sanitizer";
  auto result = run("memory");
  EXPECT_EQ(reason_of(result), Reason::internal);
  EXPECT_EQ(result.error().cause(), "out of memory");
  expect_runner_works();
}

TEST_F(EngineLimits, cpu_time_ends_a_run_that_ignores_the_kernels_signal) {
  auto limits = test_limits();
  limits.cpu_time = seconds(1);
  use(limits);
  auto begin = Steady::now();
  EXPECT_EQ(reason_of(run("spin")), Reason::job_timed_out);
  EXPECT_LT(Steady::now() - begin, seconds(10));
  expect_runner_works();
}

TEST_F(EngineLimits, cpu_time_is_counted_for_each_run) {
  auto limits = test_limits();
  limits.cpu_time = seconds(1);
  limits.runs_per_worker = 1000;
  use(limits);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(run("threads"));
}

TEST_F(EngineLimits, wall_time_ends_a_run_that_sleeps) {
  auto limits = test_limits();
  limits.wall_time = seconds(1);
  use(limits);
  auto begin = Steady::now();
  EXPECT_EQ(reason_of(run("deaf")), Reason::job_timed_out);
  EXPECT_LT(Steady::now() - begin, seconds(10));
  use(test_limits());
  expect_runner_works();
}

TEST_F(EngineLimits, a_file_that_grows_too_large_is_an_error_of_write) {
  auto limits = test_limits();
  limits.output_bytes = 4 << 20;
  use(limits);
  Fd out = memory_file();
  auto result = runner_->run(Task{"fill", {.params = "{}", .outputs = {{"o", out.get()}}}}, progress_, {});
  EXPECT_EQ(value(result), EFBIG);
  EXPECT_EQ(content_of(out).size(), 4u << 20);
}

TEST_F(EngineLimits, leaves_no_core_file) {
  EXPECT_EQ(answer(run("facts"))["core"].as_int64(), 0);
}

}  // namespace
}  // namespace toll::engine::testing
