// One worker process as its host sees it: started, limited, measured, killed, reaped.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/fd.h"
#include "engine/host.h"

namespace toll::engine {

class WorkerProcess {
 public:
  // Starts `<program> engine` (plus --no-sandbox without one) in a process group of its own, with an almost empty
  // environment and the descriptors 0 and 1 (/dev/null), 2 (a pipe to us) and 3 (a socket to us), and nothing else.
  // Throws std::system_error.
  WorkerProcess(const std::filesystem::path& program, const Limits& limits);
  // Kills what is left of it.
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  int socket() const { return socket_.get(); }      // non-blocking
  int error_pipe() const { return errors_.get(); }  // non-blocking
  pid_t pid() const { return pid_; }

  // CPU time of all its threads so far.
  std::chrono::nanoseconds cpu_time() const;
  // Lets it use so much more; the kernel's own limit stands a little above, in case we are too busy to look. What
  // cpu_time() may become.
  std::chrono::nanoseconds allow_cpu(std::chrono::seconds more);

  bool alive();
  // How it ended: "signal 11 (Segmentation fault)", "exit status 1". Waits for the end, so only after kill() or a
  // closed socket.
  std::string reap();
  // True if the kernel ended it for its CPU time. After reap().
  bool killed_for_cpu() const;
  // SIGKILL to the whole group.
  void kill();

 private:
  Fd socket_;
  Fd errors_;
  pid_t pid_ = -1;
  clockid_t clock_{};         // of its CPU time
  std::int64_t allowed_ = 0;  // seconds: the kernel's limit
  std::optional<int> status_;
};

}  // namespace toll::engine
