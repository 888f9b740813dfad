#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "engine/tests/test_engines.h"
#include "engine/tests/worker_fixture.h"

namespace toll::engine::testing {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

class EngineHost : public WorkerTest {};

TEST_F(EngineHost, hands_over_files_and_brings_back_the_answer) {
  Fd in = memory_file("a song"), first = memory_file(), second = memory_file(), scratch = memory_file();
  auto result = runner_->run(Task{"echo",
                                  {.params = R"({"stems":4})",
                                   .inputs = {{"in", in.get()}},
                                   .outputs = {{"a", first.get()}, {"b", second.get()}},
                                   .scratch = {scratch.get()}}},
                             progress_, stop_.get_token());
  EXPECT_EQ(answer(result)["stems"].as_int64(), 4);
  EXPECT_EQ(content_of(first), "a song");
  EXPECT_EQ(content_of(second), "a song");
  EXPECT_EQ(content_of(scratch).size(), 1u << 20);
}

TEST_F(EngineHost, reports_progress_that_rises_and_is_not_too_frequent) {
  ASSERT_TRUE(run("steps"));
  ASSERT_GE(progress_.seen.size(), 3u);
  EXPECT_LE(progress_.seen.size(), 20u);
  EXPECT_TRUE(std::is_sorted(progress_.seen.begin(), progress_.seen.end()));
  EXPECT_EQ(progress_.seen.back(), 1.0);
}

TEST_F(EngineHost, keeps_the_engines_own_fault_with_public_text_and_cause_apart) {
  auto result = run("fail");
  ASSERT_EQ(reason_of(result), Reason::audio_too_long);
  EXPECT_EQ(result.error().argument("limit"), "60!");
  EXPECT_EQ(result.error().cause(), "12 h?");
}

TEST_F(EngineHost, stops_a_polite_engine_when_asked) {
  auto limits = test_limits();
  limits.cancel_grace = std::chrono::seconds(15);
  use(limits);
  Steady::time_point asked;
  progress_.when_reported = [&] {
    asked = Steady::now();
    stop_.request_stop();
  };
  EXPECT_EQ(reason_of(run("polite")), Reason::cancelled);
  EXPECT_LT(Steady::now() - asked, std::chrono::seconds(10));
  stop_ = {};
  expect_runner_works();
}

TEST_F(EngineHost, takes_a_hang_up_for_a_stop_request) {
  auto limits = test_limits();
  limits.cancel_grace = std::chrono::seconds(15);
  use(limits);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const Fd ours(ends[0]);
  std::optional<Fd> caller(ends[1]);
  progress_.when_reported = [&] { caller.reset(); };
  EXPECT_EQ(reason_of(runner_->run({"polite", {.params = "{}"}, ours.get()}, progress_, {})), Reason::cancelled);
  progress_.when_reported = {};
  expect_runner_works();
}

TEST_F(EngineHost, is_warm_while_a_worker_waits_for_its_next_run) {
  auto limits = test_limits();
  limits.runs_per_worker = 2;
  use(limits);
  EXPECT_FALSE(runner_->warm()) << "nothing is started";
  ASSERT_TRUE(run("threads"));
  EXPECT_TRUE(runner_->warm());
  std::thread([&] { EXPECT_TRUE(run("threads")); }).join();
  EXPECT_FALSE(runner_->warm()) << "it had its two runs";
  ASSERT_FALSE(run("crash", "\"segv\""));
  EXPECT_FALSE(runner_->warm());
}

TEST_F(EngineHost, kills_a_deaf_engine_after_the_grace) {
  progress_.when_reported = [&] { stop_.request_stop(); };
  auto begin = Steady::now();
  EXPECT_EQ(reason_of(run("deaf")), Reason::cancelled);
  auto took = Steady::now() - begin;
  EXPECT_GE(took, milliseconds(300));
  EXPECT_LT(took, std::chrono::seconds(10));
  stop_ = {};
  expect_runner_works();
}

TEST_F(EngineHost, starts_nothing_once_stopped) {
  stop_.request_stop();
  EXPECT_EQ(reason_of(run("deaf")), Reason::cancelled);
}

TEST_F(EngineHost, survives_every_way_a_worker_can_die) {
  for (const char* how : {"\"segv\"", "\"abort\"", "\"exit\""}) {
    auto result = run("crash", how);
    EXPECT_EQ(reason_of(result), Reason::worker_lost) << how;
    expect_runner_works();
  }
}

TEST_F(EngineHost, names_the_signal_in_the_cause) {
  auto result = run("crash", "\"segv\"");
  ASSERT_EQ(reason_of(result), Reason::worker_lost);
  EXPECT_NE(result.error().cause().find("signal 11"), std::string::npos) << result.error().cause();
}

TEST_F(EngineHost, turns_an_exception_into_a_failed_run_of_a_living_worker) {
  auto limits = test_limits();
  limits.runs_per_worker = 10;
  use(limits);
  auto pid = answer(run("facts"))["pid"].as_int64();
  auto result = run("crash", "\"throw\"");
  EXPECT_EQ(reason_of(result), Reason::internal);
  EXPECT_EQ(result.error().cause(), "thrown on purpose");
  EXPECT_EQ(reason_of(run("no such engine")), Reason::internal);
  EXPECT_EQ(answer(run("facts"))["pid"].as_int64(), pid);
}

TEST_F(EngineHost, gives_each_run_a_process_of_its_own_unless_told_otherwise) {
  auto first = answer(run("facts"))["pid"].as_int64();
  EXPECT_NE(answer(run("facts"))["pid"].as_int64(), first);
}

TEST_F(EngineHost, replaces_a_worker_that_died_between_two_runs) {
  auto limits = test_limits();
  limits.runs_per_worker = 10;
  use(limits);
  auto pid = answer(run("facts"))["pid"].as_int64();
  ::kill(static_cast<pid_t>(pid), SIGKILL);
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_NE(answer(run("facts"))["pid"].as_int64(), pid);
}

TEST_F(EngineHost, says_worker_lost_when_the_program_is_not_there) {
  runner_ = make_process_runner("/nonexistent/tollhouse", test_limits());
  auto result = run("echo");
  EXPECT_EQ(reason_of(result), Reason::worker_lost);
  EXPECT_NE(result.error().cause().find("/nonexistent"), std::string::npos);
}

TEST_F(EngineHost, gives_a_worker_nothing_of_its_own) {
  ::setenv("HOME", "/root", 1);
  int inheritable = ::open("/dev/null", O_RDONLY);  // no O_CLOEXEC, as a careless library would
  // 0, 1, 2, the socket, and nothing else.
  EXPECT_EQ(value(run("fds")), 4);
  EXPECT_FALSE(answer(run("facts"))["home"].as_bool());
  ::close(inheritable);
}

TEST_F(EngineHost, keeps_no_descriptor_after_a_run) {
  ASSERT_TRUE(run("threads"));
  std::size_t before = open_descriptors();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(run_with_input("echo", "x"));
    ASSERT_FALSE(run("crash", "\"segv\""));
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(EngineHost, leaves_no_zombie) {
  ASSERT_TRUE(run("threads"));
  ASSERT_FALSE(run("crash", "\"segv\""));
  runner_.reset();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(EngineHost, refuses_more_descriptors_than_a_frame_holds) {
  Fd file = memory_file();
  Task task{"echo", {.params = "{}"}};
  task.input.scratch.assign(65, file.get());
  EXPECT_EQ(reason_of(runner_->run(task, progress_, stop_.get_token())), Reason::internal);
  expect_runner_works();
}

TEST_F(EngineHost, is_not_held_up_by_a_worker_that_babbles) {
  auto begin = Steady::now();
  EXPECT_TRUE(run("babble"));
  EXPECT_LT(Steady::now() - begin, std::chrono::seconds(10));
}

bool gone_or_zombie(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat((std::istreambuf_iterator<char>(file)), {});
  auto paren = stat.rfind(')');
  return paren == std::string::npos || stat.substr(paren + 2, 1) == "Z";
}

TEST_F(EngineHost, takes_its_worker_along_when_it_is_killed) {
  Fd note = memory_file(std::string(8, '\0'));
  pid_t host = ::fork();
  if (host == 0) {
    auto runner = make_process_runner(TEST_WORKER, test_limits());
    (void)runner->run(Task{"deaf", {.params = "{}", .outputs = {{"pid", note.get()}}}}, progress_, {});
    ::_exit(0);
  }
  std::int64_t worker = 0;
  for (int i = 0; i < 500 && worker == 0; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
    ASSERT_EQ(::pread(note.get(), &worker, sizeof worker, 0), 8);
  }
  ASSERT_GT(worker, 0);
  ASSERT_FALSE(gone_or_zombie(static_cast<pid_t>(worker)));
  ::kill(host, SIGKILL);
  ::waitpid(host, nullptr, 0);
  bool gone = false;
  for (int i = 0; i < 200 && !gone; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
    gone = gone_or_zombie(static_cast<pid_t>(worker));
  }
  EXPECT_TRUE(gone);
}

TEST(LocalRunner, runs_the_same_engines_with_the_same_promises) {
  auto catalogue = test_engines();
  auto runner = make_local_runner(catalogue);
  RecordedProgress progress;
  EXPECT_TRUE(runner->run(Task{"steps", {.params = "{}"}}, progress, {}));
  EXPECT_TRUE(std::is_sorted(progress.seen.begin(), progress.seen.end()));
  EXPECT_EQ(reason_of(runner->run(Task{"crash", {.params = "\"throw\""}}, progress, {})), Reason::internal);
  EXPECT_EQ(reason_of(runner->run(Task{"none", {.params = "{}"}}, progress, {})), Reason::internal);
}

}  // namespace
}  // namespace toll::engine::testing
