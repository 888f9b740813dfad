// What a worker writes to standard error, as lines of the log: bounded, because the worker may be hostile.
#pragma once

#include <string>
#include <string_view>

namespace toll::engine {

class LineLog {
 public:
  explicit LineLog(std::string engine) : engine_(std::move(engine)) {}
  // Reads what is in the pipe now, at most 64 KiB.
  void read_from(int pipe);
  // Writes what has no line end yet.
  void finish();

 private:
  void write(std::string_view line);

  std::string engine_;
  std::string pending_;
  int lines_ = 0;
};

}  // namespace toll::engine
