#include "jobs/worker.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace toll::jobs {
namespace {

TEST(WorkerName, is_of_this_process_and_no_other_dispatcher) {
  SystemRandom random;
  std::string name = this_worker(random);
  EXPECT_NE(name, this_worker(random));
  EXPECT_FALSE(surely_dead(name));
}

TEST(WorkerName, tells_a_dead_process) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  pid_t child = ::fork();
  if (child == 0) {
    SystemRandom random;
    std::string name = this_worker(random);
    bool written = ::write(pipe[1], name.data(), name.size()) > 0;
    ::_exit(written ? 0 : 1);
  }
  char buffer[500];
  ssize_t size = ::read(pipe[0], buffer, sizeof buffer);
  ::waitpid(child, nullptr, 0);
  ::close(pipe[0]);
  ::close(pipe[1]);
  ASSERT_GT(size, 0);
  EXPECT_TRUE(surely_dead(std::string_view(buffer, static_cast<std::size_t>(size))));
}

TEST(WorkerName, tells_a_pid_that_is_used_again) {
  SystemRandom random;
  std::string name = this_worker(random);
  auto nonce = name.rfind('/'), start = name.rfind('/', nonce - 1);
  EXPECT_TRUE(surely_dead(name.substr(0, start) + "/1" + name.substr(nonce)));
}

TEST(WorkerName, is_not_judged_when_in_doubt) {
  SystemRandom random;
  std::string name = this_worker(random);
  EXPECT_FALSE(surely_dead("another-boot" + name.substr(name.find('/'))));
  for (const char* strange : {"", "w", "////", "a/b/c/d/e", "a/b/c/d/e/f"})
    EXPECT_FALSE(surely_dead(strange)) << strange;
}

}  // namespace
}  // namespace toll::jobs
