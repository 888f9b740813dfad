// The host's side: runs engines in supervised worker processes. A worker is this binary again (`<program> engine`),
// started with one end of a Unix socket as descriptor 3, dying with its parent. Frames carry JSON; descriptors travel
// beside them.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "engine/engine.h"

namespace toll::engine {

struct Limits {
  std::uint64_t memory_bytes = 3ull << 30;       // address space (RLIMIT_AS)
  std::chrono::seconds cpu_time{6 * 3600};       // of one run
  std::chrono::seconds wall_time{6 * 3600};      // of one run
  std::uint64_t output_bytes = 64ull << 30;      // largest single file (RLIMIT_FSIZE)
  std::chrono::milliseconds cancel_grace{3000};  // from stop request to SIGKILL
  bool sandbox = true;                           // seccomp; off only in sanitizer builds
  // Runs of one process. With 1, a decoder that one file has taken over never meets another account's file.
  std::uint32_t runs_per_worker = 1;
};

struct Task {
  std::string engine;
  Input input;
  // A descriptor that polls POLLRDHUP when nobody waits for the run any more, which is a stop request then; -1: none.
  // Heard by runners that can be warm().
  int hangup = -1;
};

// One worker process, started on first use, restarted after it died, replaced after Limits::runs_per_worker runs. Not
// thread-safe: one runner belongs to one dispatcher thread, and its worker dies with that thread (PR_SET_PDEATHSIG).
class Runner {
 public:
  virtual ~Runner() = default;
  // Blocks until the run is over. Faults: the engine's own; worker_lost (the process died, could not be started, or
  // said something malformed), job_timed_out (wall or CPU time), cancelled. Progress is called on this thread, at most
  // ten times a second.
  virtual Result<Output> run(const Task& task, Progress& progress, std::stop_token stop) = 0;
  // Whether there is a process that waits for the next run: then any thread may call run(), one at a time.
  virtual bool warm() { return false; }
};

// In worker processes under `limits`. `program` is the tollhouse binary (usually /proc/self/exe); it is called as
// `<program> engine [--no-sandbox]` with the socket as descriptor 3.
std::unique_ptr<Runner> make_process_runner(std::filesystem::path program, Limits limits);
// In this process, without a sandbox: for unit tests and the queue's benchmark.
std::unique_ptr<Runner> make_local_runner(const Catalogue& catalogue);

// The worker's side: serves frames on `socket` until it closes; what `tollhouse engine` calls. Applies the seccomp
// filter before the first run. Returns the exit status.
int serve_worker(const Catalogue& catalogue, int socket, bool sandbox);

}  // namespace toll::engine
