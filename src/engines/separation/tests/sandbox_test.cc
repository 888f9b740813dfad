// The engines must work where the host runs them: no system call that opens anything, 3 GiB of address space.
#include "engine/sandbox.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "engine/sanitizers.h"
#include "engines/separation/decode.h"
#include "engines/separation/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;

class Ignored final : public engine::Progress {
  void report(double) override {}
};

bool true_in_the_sandbox(const std::function<bool()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{3ull << 30, 3ull << 30};
    ::setrlimit(RLIMIT_AS, &limit);
    engine::enter_sandbox();
    ::_exit(work() ? 0 : 1);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

TEST(Sandbox, lets_the_engine_work_and_a_probe_look) {
  if (engine::built_with_sanitizer) GTEST_SKIP() << "a sanitizer needs what the sandbox forbids";
  const MemoryFile song(bytes_of_file(TOLL_SOURCE_DIR "/sample/song.flac")), text("no audio here");
  const Plan plan;
  std::map<std::string, MemoryFile> files;
  engine::Input input{write_plan(plan), {{std::string(input_name), song.fd()}}, {}, {}};
  for (const auto& name : output_files(plan))
    input.outputs[name] = files.emplace(name, MemoryFile()).first->second.fd();
  std::vector<MemoryFile> scratch(scratch_files(plan));
  for (const auto& file : scratch) input.scratch.push_back(file.fd());

  EXPECT_TRUE(true_in_the_sandbox([&] {
    Ignored progress;
    return make_separation_engine()->run(input, progress, {}).has_value();
  }));
  for (const auto& [name, file] : files) EXPECT_EQ(decode(file.fd()).value().size(), 2u * 1'111'320) << name;
  EXPECT_TRUE(true_in_the_sandbox([&] { return probe(song.fd()).has_value(); }));
  EXPECT_TRUE(true_in_the_sandbox([&] { return probe(text.fd()).error().reason() == Reason::undecodable_audio; }));
}

}  // namespace
}  // namespace toll::engines::separation
