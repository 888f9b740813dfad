// A decoder under a stranger's control says to the host whatever it likes. The host must lose nothing but that run.
#include "engine/frames.h"
#include "engine/tests/worker_fixture.h"

namespace toll::engine::testing {
namespace {

using std::chrono::seconds;
using Steady = std::chrono::steady_clock;

std::string framed(const std::string& json) {
  std::string out;
  for (int i = 0; i < 4; ++i) out += static_cast<char>(json.size() >> (8 * i));
  return out + json;
}

class HostileWorker : public WorkerTest {};

TEST_F(HostileWorker, loses_its_run_and_its_life_by_a_malformed_frame) {
  const std::string good = framed(R"({"type":"progress","run":1,"fraction":0.5})");
  for (const std::string& bytes :
       {std::string(4, '\0'), std::string("\xff\xff\xff\xff"), framed("not json"), framed("{}"),
        framed(R"({"type":"done","run":2,"answer":"{}"})"), good + framed("[1]"),
        framed(R"({"type":"done","run":1,"answer":"{}"})") + good, std::string(4096, 'A')}) {
    use(test_limits());
    auto begin = Steady::now();
    EXPECT_EQ(reason_of(run_with_input("hostile", bytes)), Reason::worker_lost);
    EXPECT_LT(Steady::now() - begin, seconds(15));
    expect_runner_works();
  }
}

TEST_F(HostileWorker, cannot_make_the_host_wait_with_half_a_frame) {
  auto limits = test_limits();
  limits.wall_time = seconds(1);
  use(limits);
  EXPECT_EQ(reason_of(run_with_input("hostile", std::string("\x10\x00\x00\x00{", 5))), Reason::job_timed_out);
}

TEST_F(HostileWorker, cannot_keep_the_host_busy) {
  auto begin = Steady::now();
  EXPECT_EQ(reason_of(run("flood")), Reason::worker_lost);
  EXPECT_LT(Steady::now() - begin, seconds(15));
}

TEST_F(HostileWorker, is_killed_when_it_hangs_up) {
  auto limits = test_limits();
  limits.sandbox = false;  // where shutdown() is allowed
  use(limits);
  auto begin = Steady::now();
  EXPECT_EQ(reason_of(run("hang_up")), Reason::worker_lost);
  EXPECT_LT(Steady::now() - begin, seconds(15));
  expect_runner_works();
}

}  // namespace
}  // namespace toll::engine::testing
