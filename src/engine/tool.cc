#include "engine/tool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>

#include "base/text.h"
#include "engine/fd.h"
#include "engine/sandbox.h"
#include "engine/sanitizers.h"

namespace toll::engine {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int no_cage = 125, no_program = 127;
constexpr std::size_t most_errors = 4096;
constexpr rlim_t tool_descriptors = 64;

[[noreturn]] void fail(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

struct Actions {
  posix_spawn_file_actions_t raw;
  Actions() { posix_spawn_file_actions_init(&raw); }
  ~Actions() { posix_spawn_file_actions_destroy(&raw); }
};

struct Attributes {
  posix_spawnattr_t raw;
  Attributes() {
    posix_spawnattr_init(&raw);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&raw, &none);
    posix_spawnattr_setsigdefault(&raw, &all);
    posix_spawnattr_setpgroup(&raw, 0);
    posix_spawnattr_setflags(&raw, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { posix_spawnattr_destroy(&raw); }
};

// A child of ours, killed and waited for at the latest when this goes.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    if (pid_ < 0) return;
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  // The status, once it has ended.
  std::optional<int> ended() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

Fd moved_up(int fd) {
  Fd moved(::fcntl(fd, F_DUPFD_CLOEXEC, 10));
  if (!moved) fail(errno, "fcntl");
  return moved;
}

pid_t start(const std::filesystem::path& self, const Tool& tool, const ToolLimits& limits, int errors) {
  std::vector<std::string> words{self.string(),
                                 "tool",
                                 std::to_string(limits.memory_bytes),
                                 std::to_string(limits.output_bytes),
                                 std::to_string(limits.cpu_time.count()),
                                 limits.sandbox ? "caged" : "open",
                                 tool.program.string()};
  words.insert(words.end(), tool.arguments.begin(), tool.arguments.end());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string language = "LC_ALL=C.UTF-8";
  char* environment[] = {language.data(), nullptr};
  const auto in = moved_up(tool.in), out = moved_up(tool.out);
  Actions actions;
  posix_spawn_file_actions_adddup2(&actions.raw, in.get(), 0);
  posix_spawn_file_actions_adddup2(&actions.raw, out.get(), 1);
  posix_spawn_file_actions_adddup2(&actions.raw, errors, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions.raw, 3);
  const Attributes attributes;
  pid_t pid = -1;
  if (const int error = ::posix_spawn(&pid, self.c_str(), &actions.raw, &attributes.raw, arguments.data(), environment);
      error != 0)
    fail(error, "posix_spawn");
  return pid;
}

// Reads what there is; false: the other side has closed.
bool drain(int pipe, std::string& errors) {
  char buffer[1024];
  const auto got = ::read(pipe, buffer, sizeof buffer);
  if (got > 0 && errors.size() < most_errors) errors.append(buffer, static_cast<std::size_t>(got));
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

Result<ToolEnd> end_of(int status, std::string errors) {
  if (WIFSIGNALED(status)) {
    if (WTERMSIG(status) == SIGXCPU) return Fault(Reason::job_timed_out).because("CPU time of a tool");
    return Fault(Reason::worker_lost).because("a tool: signal " + std::to_string(WTERMSIG(status)) + " " + errors);
  }
  const int code = WEXITSTATUS(status);
  if (code == no_cage || code == no_program)
    return Fault(Reason::internal).because("a tool could not start: " + errors);
  return ToolEnd{code, std::move(errors)};
}

void limit(__rlimit_resource resource, rlim_t bound) {
  const rlimit both{bound, bound};
  ::setrlimit(resource, &both);
}

int could_not(int status, const std::string& why) {
  const auto line = why + "\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  return status;
}

}  // namespace

Result<ToolEnd> run_tool(const std::filesystem::path& self, const Tool& tool, const ToolLimits& limits,
                         std::stop_token stop) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) fail(errno, "pipe2");
  const Fd ours(fds[0]);
  Fd theirs(fds[1]);
  if (::lseek(tool.in, 0, SEEK_SET) < 0) fail(errno, "lseek");
  auto theirs_up = moved_up(theirs.get());
  theirs.reset();
  Child child(start(self, tool, limits, theirs_up.get()));
  theirs_up.reset();
  const auto end = Clock::now() + limits.wall_time;
  std::string errors;
  for (;;) {
    if (stop.stop_requested()) return Fault(Reason::cancelled);
    if (Clock::now() >= end) return Fault(Reason::job_timed_out).because("a tool: " + tool.program.string());
    pollfd wait{ours.get(), POLLIN, 0};
    ::poll(&wait, 1, 50);
    // Its end of the pipe closes with it.
    const bool open = wait.revents == 0 || drain(ours.get(), errors);
    if (const auto status = child.ended()) {
      while (drain(ours.get(), errors) && errors.size() < most_errors && ::poll(&wait, 1, 0) > 0) {
      }
      return end_of(*status, std::move(errors));
    }
    if (!open) ::poll(nullptr, 0, 2);
  }
}

int become_tool(const std::vector<std::string>& arguments) try {
  if (arguments.size() < 5) return could_not(no_cage, "tool: too few arguments");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!built_with_sanitizer) limit(RLIMIT_AS, static_cast<rlim_t>(parse_int(arguments[0]).value()));
  limit(RLIMIT_FSIZE, static_cast<rlim_t>(parse_int(arguments[1]).value()));
  limit(RLIMIT_CPU, static_cast<rlim_t>(parse_int(arguments[2]).value()));
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, tool_descriptors);
  std::vector<char*> words;
  for (std::size_t i = 4; i < arguments.size(); ++i) words.push_back(const_cast<char*>(arguments[i].c_str()));
  words.push_back(nullptr);
  if (arguments[3] == "caged") enter_tool_sandbox();
  ::execve(words[0], words.data(), environ);
  return could_not(no_program, arguments[4] + ": " + std::generic_category().message(errno));
} catch (const std::exception& error) {
  return could_not(no_cage, error.what());
}

}  // namespace toll::engine
