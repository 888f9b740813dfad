#include "engine/tests/test_engines.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "base/text.h"
#include "engine/tests/codec_engine.h"

namespace toll::engine::testing {

namespace {

using Body = std::function<Result<Output>(const Input&, Progress&, std::stop_token)>;
using std::chrono::milliseconds;

class Named final : public Engine {
 public:
  Named(std::string name, Body body) : name_(std::move(name)), body_(std::move(body)) {}
  Description describe() const override { return {name_, "for tests"}; }
  Result<Output> run(const Input& input, Progress& progress, std::stop_token stop) override {
    return body_(input, progress, std::move(stop));
  }

 private:
  std::string name_;
  Body body_;
};

Output answer(const std::string& json) {
  return Output{json};
}
Output number(std::int64_t value) {
  return answer("{\"value\":" + std::to_string(value) + "}");
}

Result<Output> echo(const Input& input, Progress&, std::stop_token) {
  char buffer[4096];
  ssize_t size = ::pread(input.inputs.at("in"), buffer, sizeof buffer, 0);
  for (const auto& [name, fd] : input.outputs)
    if (::write(fd, buffer, static_cast<std::size_t>(size)) != size) return Fault(Reason::internal).because("write");
  if (!input.scratch.empty() && ::ftruncate(input.scratch.front(), 1 << 20) != 0) return Reason::internal;
  return answer(input.params);
}

Result<Output> steps(const Input&, Progress& progress, std::stop_token stop) {
  for (int i = 0; i <= 60; ++i) {
    if (stop.stop_requested()) return Reason::cancelled;
    progress.report(i / 60.0);
    progress.report(0.1);  // falls: must not be seen
    std::this_thread::sleep_for(milliseconds(10));
  }
  return Output{};
}

Result<Output> polite(const Input&, Progress& progress, std::stop_token stop) {
  progress.report(0.5);
  while (!stop.stop_requested()) std::this_thread::sleep_for(milliseconds(5));
  return Reason::cancelled;
}

// Tells its pid and never looks at the token.
Result<Output> deaf(const Input& input, Progress& progress, std::stop_token) {
  auto pid = static_cast<std::int64_t>(::getpid());
  for (const auto& [name, fd] : input.outputs)
    if (::pwrite(fd, &pid, sizeof pid, 0) != sizeof pid) return Reason::internal;
  progress.report(0.5);
  for (;;) std::this_thread::sleep_for(milliseconds(100));
}

Result<Output> crash(const Input& input, Progress&, std::stop_token) {
  if (input.params == "\"abort\"") std::abort();
  if (input.params == "\"exit\"") ::_exit(7);
  if (input.params == "\"kill\"") ::kill(::getpid(), SIGKILL);
  if (input.params == "\"throw\"") throw std::runtime_error("thrown on purpose");
  ::signal(SIGSEGV, SIG_DFL);
  ::raise(SIGSEGV);
  return Output{};
}

Result<Output> fail(const Input&, Progress&, std::stop_token) {
  return Fault(Reason::audio_too_long).with("limit", "60\n\x01!").because("12 h\xff");
}

Result<Output> memory_hog(const Input&, Progress&, std::stop_token) {
  std::vector<std::vector<char>> kept;
  for (;;) kept.emplace_back(64 << 20, 'x');
}

Result<Output> spin(const Input&, Progress&, std::stop_token) {
  ::signal(SIGXCPU, SIG_IGN);
  for (std::atomic<std::uint64_t> i = 0;; ++i) {
  }
}

Result<Output> fill(const Input& input, Progress&, std::stop_token) {
  std::vector<char> block(1 << 20, 'x');
  for (;;)
    if (::write(input.outputs.begin()->second, block.data(), block.size()) < 0) return number(errno);
}

Result<Output> descriptors(const Input&, Progress&, std::stop_token) {
  int open = 0;
  for (int fd = 0; fd < 256; ++fd) open += ::fcntl(fd, F_GETFD) >= 0;
  return number(open);
}

Result<Output> facts(const Input&, Progress&, std::stop_token) {
  rlimit core{};
  ::getrlimit(RLIMIT_CORE, &core);
  const char* home = std::getenv("HOME");
  return answer("{\"pid\":" + std::to_string(::getpid()) + ",\"core\":" + std::to_string(core.rlim_max) +
                ",\"home\":" + (home ? "true" : "false") + "}");
}

int error_of(long result) {
  return result < 0 ? errno : 0;
}

// The errno of each forbidden deed.
Result<Output> escape(const Input&, Progress&, std::stop_token) {
  char program[] = "/bin/true";
  char* arguments[] = {program, nullptr};
  std::string out = "{";
  auto note = [&](const char* name, long result) {
    out += (out.size() > 1 ? ",\"" : "\"") + std::string(name) + "\":" + std::to_string(error_of(result));
  };
  note("open", ::open("/etc/passwd", O_RDONLY));
  note("create", ::open("/tmp/toll-escape", O_CREAT | O_WRONLY, 0600));
  note("unlink", ::unlink("/tmp/toll-escape-none"));
  note("mkdir", ::mkdir("/tmp/toll-escape-dir", 0700));
  note("rename", ::rename("/tmp/a", "/tmp/b"));
  note("socket", ::socket(AF_INET, SOCK_STREAM, 0));
  note("unix_socket", ::socket(AF_UNIX, SOCK_STREAM, 0));
  note("exec", ::execv(program, arguments));
  note("fork", ::fork());
  note("kill", ::kill(::getppid(), 0));
  note("tgkill", ::tgkill(1, 1, SIGTERM));
  rlimit more{RLIM_INFINITY, RLIM_INFINITY};
  note("setrlimit", ::setrlimit(RLIMIT_AS, &more));
  return answer(out + "}");
}

Result<Output> traces(const Input&, Progress&, std::stop_token) {
  return number(::ptrace(PTRACE_TRACEME, 0, 0, 0));
}

Result<Output> threads(const Input&, Progress&, std::stop_token) {
  std::atomic<std::int64_t> sum = 0;
  std::vector<std::thread> pool;
  for (int i = 1; i <= 8; ++i)
    pool.emplace_back([&sum, i] {
      std::vector<int> work(1 << 16, i);
      for (int v : work) sum += v;
    });
  for (auto& thread : pool) thread.join();
  return number(sum);
}

// Whether a thread that was there before the filter is under it too.
std::atomic<int> early_errno = -1;
std::atomic<bool> early_go = false;
Result<Output> early_thread(const Input&, Progress&, std::stop_token) {
  early_go = true;
  while (early_errno < 0) std::this_thread::sleep_for(milliseconds(1));
  return number(early_errno);
}

Result<Output> babble(const Input&, Progress&, std::stop_token) {
  std::string line(10'000, 'b');
  for (int i = 0; i < 500; ++i)
    if (::write(2, line.data(), line.size()) < 0) break;
  return Output{};
}

// Says the bytes of the input to the host, as an exploited decoder would.
Result<Output> hostile(const Input& input, Progress&, std::stop_token) {
  std::vector<char> bytes(4 << 20);
  ssize_t size = ::pread(input.inputs.at("in"), bytes.data(), bytes.size(), 0);
  for (ssize_t at = 0; at < size;) {
    ssize_t sent = ::send(3, bytes.data() + at, static_cast<std::size_t>(size - at), MSG_NOSIGNAL);
    if (sent <= 0) break;
    at += sent;
  }
  std::this_thread::sleep_for(std::chrono::seconds(30));
  return Output{};
}

Result<Output> flood(const Input&, Progress&, std::stop_token) {
  std::string frame = R"({"type":"progress","run":1,"fraction":0.5})";
  std::string bytes{static_cast<char>(frame.size()), 0, 0, 0};
  bytes += frame;
  while (::send(3, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
  }
  std::this_thread::sleep_for(std::chrono::seconds(30));
  return Output{};
}

Result<Output> hang_up(const Input&, Progress&, std::stop_token) {
  ::shutdown(3, SHUT_RDWR);
  std::this_thread::sleep_for(std::chrono::seconds(30));
  return Output{};
}

}  // namespace

void start_early_thread() {
  std::thread([] {
    while (!early_go) std::this_thread::sleep_for(milliseconds(1));
    early_errno = error_of(::open("/etc/passwd", O_RDONLY));
  }).detach();
}

Catalogue test_engines() {
  Catalogue catalogue;
  const std::pair<const char*, Body> all[] = {
      {"echo", echo},         {"steps", steps},      {"polite", polite},
      {"deaf", deaf},         {"crash", crash},      {"fail", fail},
      {"memory", memory_hog}, {"spin", spin},        {"fill", fill},
      {"fds", descriptors},   {"facts", facts},      {"escape", escape},
      {"trace", traces},      {"threads", threads},  {"early", early_thread},
      {"babble", babble},     {"hostile", hostile},  {"flood", flood},
      {"hang_up", hang_up},   {"codec", run_codecs}, {"spectrum", run_spectrum}};
  for (const auto& [name, body] : all) catalogue.add(std::make_unique<Named>(name, body));
  return catalogue;
}

}  // namespace toll::engine::testing
