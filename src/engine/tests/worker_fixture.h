// What the tests of the host share: a runner over the test worker, and files.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/fd.h"
#include "engine/host.h"
#include "engine/sanitizers.h"

namespace toll::engine::testing {

inline Limits test_limits() {
  Limits limits;
  limits.memory_bytes = 1ull << 30;
  limits.cpu_time = limits.wall_time = std::chrono::seconds(20);
  limits.cancel_grace = std::chrono::milliseconds(300);
  limits.sandbox = !built_with_sanitizer;
  return limits;
}

class RecordedProgress final : public Progress {
 public:
  void report(double fraction) override {
    seen.push_back(fraction);
    if (when_reported) when_reported();
  }
  std::vector<double> seen;
  std::function<void()> when_reported;
};

inline Fd memory_file(std::string_view content = {}) {
  Fd fd(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::pwrite(fd.get(), content.data(), content.size(), 0), static_cast<ssize_t>(content.size()));
  return fd;
}

inline std::string content_of(const Fd& fd) {
  std::string text(static_cast<std::size_t>(::lseek(fd.get(), 0, SEEK_END)), '\0');
  EXPECT_EQ(::pread(fd.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  return text;
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

class WorkerTest : public ::testing::Test {
 protected:
  void use(Limits limits) { runner_ = make_process_runner(TEST_WORKER, limits); }
  Result<Output> run(const std::string& engine, std::string params = "{}") {
    return runner_->run(Task{engine, {.params = std::move(params)}}, progress_, stop_.get_token());
  }
  Result<Output> run_with_input(const std::string& engine, std::string_view content) {
    Fd in = memory_file(content);
    return runner_->run(Task{engine, {.params = "{}", .inputs = {{"in", in.get()}}}}, progress_, stop_.get_token());
  }
  boost::json::object answer(const Result<Output>& result) {
    EXPECT_TRUE(result) << (result ? "" : result.error().describe());
    return result ? boost::json::parse(result->answer).as_object() : boost::json::object();
  }
  std::int64_t value(const Result<Output>& result) {
    auto object = answer(result);
    return object.contains("value") ? object["value"].as_int64() : -1;
  }
  // A fresh answer proves that the runner has a living worker again.
  void expect_runner_works() { EXPECT_EQ(value(run("threads")), 36 << 16); }

  std::unique_ptr<Runner> runner_ = make_process_runner(TEST_WORKER, test_limits());
  RecordedProgress progress_;
  std::stop_source stop_;
};

inline Reason reason_of(const Result<Output>& result) {
  EXPECT_FALSE(result) << "expected a fault";
  return result ? Reason::not_found : result.error().reason();
}

}  // namespace toll::engine::testing
