#include "engine/line_log.h"

#include <unistd.h>

#include <array>

#include "base/log.h"

namespace toll::engine {

namespace {
constexpr std::size_t max_line_bytes = 2000;
constexpr int max_lines = 100;
}  // namespace

void LineLog::read_from(int pipe) {
  std::array<char, 64 << 10> buffer;
  ssize_t size = ::read(pipe, buffer.data(), buffer.size());
  if (size <= 0) return;
  pending_.append(buffer.data(), static_cast<std::size_t>(size));
  std::size_t start = 0;
  for (std::size_t end; (end = pending_.find('\n', start)) != std::string::npos; start = end + 1)
    write(std::string_view(pending_).substr(start, end - start));
  pending_.erase(0, start);
  if (pending_.size() > max_line_bytes) finish();
}

void LineLog::finish() {
  if (!pending_.empty()) write(pending_);
  pending_.clear();
}

void LineLog::write(std::string_view line) {
  if (++lines_ > max_lines) return;
  if (lines_ == max_lines) line = "(more lines of this run are not shown)";
  log::warn("engine.output", {{"engine", engine_}, {"line", line.substr(0, max_line_bytes)}});
}

}  // namespace toll::engine
