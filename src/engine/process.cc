#include "engine/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "engine/sanitizers.h"

namespace toll::engine {

namespace {

constexpr rlim_t worker_descriptors = 256;
constexpr std::int64_t cpu_slack_seconds = 2;

[[noreturn]] void fail(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

struct Pair {
  Fd ours;
  Fd theirs;
};

// Above the numbers that the child will use, whatever our own standard descriptors are.
Fd moved_up(Fd fd) {
  Fd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 10));
  if (!moved) fail(errno, "fcntl");
  return moved;
}

Pair new_socket_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) fail(errno, "socketpair");
  Pair pair{Fd(fds[0]), Fd(fds[1])};
  ::fcntl(pair.ours.get(), F_SETFL, O_NONBLOCK);
  pair.theirs = moved_up(std::move(pair.theirs));
  return pair;
}

Pair new_error_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) fail(errno, "pipe2");
  Pair pair{Fd(fds[0]), Fd(fds[1])};
  ::fcntl(pair.ours.get(), F_SETFL, O_NONBLOCK);
  pair.theirs = moved_up(std::move(pair.theirs));
  return pair;
}

// posix_spawn shares memory with the child until it execs and blocks all signals meanwhile, so it is safe and fast in a
// large multi-threaded server, where fork is neither.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void descriptors(int socket, int errors) {
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, errors, 2);
    posix_spawn_file_actions_adddup2(&actions_, socket, 3);
    posix_spawn_file_actions_addclosefrom_np(&actions_, 4);
  }
  void fresh_signals_and_group() {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  pid_t start(const std::filesystem::path& program, char* const* arguments, char* const* environment) {
    pid_t pid = -1;
    int error = ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_, arguments, environment);
    if (error != 0) fail(error, "posix_spawn");
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

void limit(pid_t pid, __rlimit_resource resource, rlim_t soft, rlim_t hard) {
  const rlimit bound{soft, hard};
  ::prlimit(pid, resource, &bound, nullptr);
}

// The limits are on before it sees a byte of anybody's file: nothing has been sent to it yet.
void apply_limits(pid_t pid, const Limits& limits) {
  if (!built_with_sanitizer) limit(pid, RLIMIT_AS, limits.memory_bytes, limits.memory_bytes);
  limit(pid, RLIMIT_FSIZE, limits.output_bytes, limits.output_bytes);
  limit(pid, RLIMIT_CORE, 0, 0);
  limit(pid, RLIMIT_NOFILE, worker_descriptors, worker_descriptors);
}

}  // namespace

WorkerProcess::WorkerProcess(const std::filesystem::path& program, const Limits& limits) {
  Pair socket = new_socket_pair();
  Pair errors = new_error_pipe();
  SpawnPlan plan;
  plan.descriptors(socket.theirs.get(), errors.theirs.get());
  plan.fresh_signals_and_group();
  std::string name = program.string(), command = "engine", open_cage = "--no-sandbox";
  std::array<char*, 4> arguments{name.data(), command.data(), limits.sandbox ? nullptr : open_cage.data(), nullptr};
  // One arena each thread would fill the address space that the memory limit counts.
  std::string language = "LC_ALL=C.UTF-8", arenas = "MALLOC_ARENA_MAX=2";
  std::array<char*, 3> environment{language.data(), arenas.data(), nullptr};
  pid_ = plan.start(program, arguments.data(), environment.data());
  socket_ = std::move(socket.ours);
  errors_ = std::move(errors.ours);
  apply_limits(pid_, limits);
  if (const int error = ::clock_getcpuclockid(pid_, &clock_); error != 0) fail(error, "clock_getcpuclockid");
}

WorkerProcess::~WorkerProcess() {
  kill();
  reap();
}

std::chrono::nanoseconds WorkerProcess::cpu_time() const {
  timespec used{};
  if (::clock_gettime(clock_, &used) != 0) return {};
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::chrono::nanoseconds WorkerProcess::allow_cpu(std::chrono::seconds more) {
  const auto until = cpu_time() + more;
  const auto least = std::chrono::floor<std::chrono::seconds>(until).count() + cpu_slack_seconds;
  // A warm worker's short runs need not move it each time. Only the soft limit: raising a hard one again takes a
  // privilege that the server should not have.
  if (allowed_ < least || allowed_ > least + 1) {
    allowed_ = least + 1;
    limit(pid_, RLIMIT_CPU, static_cast<rlim_t>(allowed_), RLIM_INFINITY);
  }
  return until;
}

bool WorkerProcess::alive() {
  if (status_) return false;
  int status = 0;
  pid_t ended = ::waitpid(pid_, &status, WNOHANG);
  if (ended == 0) return true;
  status_ = ended == pid_ ? status : 0;
  return false;
}

std::string WorkerProcess::reap() {
  while (!status_) {
    int status = 0;
    pid_t ended = ::waitpid(pid_, &status, 0);
    if (ended < 0 && errno == EINTR) continue;
    status_ = ended == pid_ ? status : 0;
  }
  if (WIFSIGNALED(*status_)) {
    int signal = WTERMSIG(*status_);
    const char* text = ::sigdescr_np(signal);
    return "signal " + std::to_string(signal) + " (" + (text ? text : "?") + ")";
  }
  return "exit status " + std::to_string(WEXITSTATUS(*status_));
}

bool WorkerProcess::killed_for_cpu() const {
  return status_ && WIFSIGNALED(*status_) && WTERMSIG(*status_) == SIGXCPU;
}

void WorkerProcess::kill() {
  if (status_) return;
  // The group may not exist yet for the first moments; the process does.
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
}

}  // namespace toll::engine
