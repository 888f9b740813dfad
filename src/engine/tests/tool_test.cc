#include "engine/tool.h"

#include "engine/tests/worker_fixture.h"

namespace toll::engine::testing {
namespace {

using namespace std::chrono_literals;

struct Ran {
  Result<ToolEnd> end;
  std::string out;
};

Ran run(std::vector<std::string> words, std::string_view in = {}, ToolLimits limits = {}, std::stop_token stop = {}) {
  limits.sandbox = limits.sandbox && !built_with_sanitizer;
  const auto input = memory_file(in), output = memory_file();
  Tool tool{
      .program = words.front(), .arguments = {words.begin() + 1, words.end()}, .in = input.get(), .out = output.get()};
  auto end = run_tool(TEST_WORKER, tool, limits, stop);
  return {std::move(end), content_of(output)};
}

class ToolCage : public ::testing::Test {
 protected:
  void SetUp() override {
    if (built_with_sanitizer) GTEST_SKIP() << "no sandbox with a sanitizer";
  }
};

TEST(Tool, turns_standard_input_into_standard_output) {
  const auto ran = run({"/usr/bin/tr", "a-z", "A-Z"}, "hello");
  ASSERT_TRUE(ran.end) << ran.end.error().describe();
  EXPECT_EQ(ran.end.value().status, 0);
  EXPECT_EQ(ran.out, "HELLO");
}

TEST(Tool, tells_how_it_ended) {
  const auto ran = run({"/usr/bin/ls", "--nonsense"});
  ASSERT_TRUE(ran.end);
  EXPECT_NE(ran.end.value().status, 0);
  EXPECT_NE(ran.end.value().errors.find("nonsense"), std::string::npos);
  EXPECT_EQ(run({"/usr/bin/no-such-program"}).end.error().reason(), Reason::internal);
}

TEST_F(ToolCage, reads_nothing_outside_the_system) {
  const auto passwords = run({"/usr/bin/cat", "/etc/passwd"});
  ASSERT_TRUE(passwords.end);
  EXPECT_NE(passwords.end.value().status, 0);
  EXPECT_EQ(passwords.out, "");
  EXPECT_NE(run({"/usr/bin/ls", "/tmp"}).end.value().status, 0);
  EXPECT_NE(run({"/usr/bin/cat", "/proc/self/environ"}).end.value().status, 0);
}

TEST_F(ToolCage, writes_connects_and_starts_nothing) {
  EXPECT_NE(run({"/usr/bin/touch", "/tmp/tollhouse-tool-test"}).end.value().status, 0);
  EXPECT_NE(run({"/usr/bin/touch", "/usr/share/tollhouse-tool-test"}).end.value().status, 0);
  EXPECT_NE(run({"/usr/bin/bash", "-c", "exec 5<>/dev/tcp/127.0.0.1/9"}).end.value().status, 0);
  const auto child = run({"/usr/bin/bash", "-c", "/usr/bin/echo child; /usr/bin/true"});
  EXPECT_EQ(child.out, "");
}

TEST(Tool, that_takes_too_long_or_is_not_wanted_any_more_ends) {
  EXPECT_EQ(run({"/usr/bin/sleep", "60"}, {}, {.wall_time = 1s}).end.error().reason(), Reason::job_timed_out);
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(run({"/usr/bin/sleep", "60"}, {}, {}, source.get_token()).end.error().reason(), Reason::cancelled);
}

TEST(Tool, that_writes_or_takes_too_much_ends) {
  EXPECT_EQ(run({"/usr/bin/yes"}, {}, {.output_bytes = 1 << 20}).end.error().reason(), Reason::worker_lost);
  if (built_with_sanitizer) return;
  EXPECT_NE(run({"/usr/bin/dd", "bs=900M", "count=1"}, "x", {.memory_bytes = 256ull << 20}).end.value().status, 0);
}

TEST(Tool, leaves_no_descriptor_behind) {
  const auto before = open_descriptors();
  (void)run({"/usr/bin/true"});
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace toll::engine::testing
