// Programs of others (poppler's, which are GPL and open files by themselves) on a stranger's file: each in a process of
// its own, in a cage, with the file as standard input and an unnamed file as standard output.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"

namespace toll::engine {

struct Tool {
  std::filesystem::path program;  // absolute, below /usr
  std::vector<std::string> arguments;
  int in = -1, out = -1;  // the caller's; regular files, `in` at its beginning
};

struct ToolLimits {
  std::uint64_t memory_bytes = 1ull << 30;  // address space
  std::uint64_t output_bytes = 256ull << 20;
  std::chrono::seconds cpu_time{120};
  std::chrono::seconds wall_time{120};
  bool sandbox = true;
};

struct ToolEnd {
  int status = 0;      // of exit
  std::string errors;  // the beginning of its standard error
};

// Blocking. `self` is the tollhouse binary: it is called as `<self> tool ...`, closes the cage around itself and
// becomes the program. Faults: worker_lost (a signal ended it, or it could not be started), job_timed_out, cancelled,
// internal (there is no such program, or no cage on this kernel). Throws std::system_error when no process can be made.
Result<ToolEnd> run_tool(const std::filesystem::path& self, const Tool& tool, const ToolLimits& limits,
                         std::stop_token stop);

// The other side: what `tollhouse tool` does with its arguments (those that run_tool made). Returns the exit status
// only if it could not become the program.
int become_tool(const std::vector<std::string>& arguments);

}  // namespace toll::engine
