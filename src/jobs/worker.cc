#include "jobs/worker.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <optional>

#include "base/text.h"

namespace toll::jobs {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string boot_id() {
  return first_line("/proc/sys/kernel/random/boot_id");
}

std::string pid_namespace() {
  struct stat info {};
  return ::stat("/proc/self/ns/pid", &info) == 0 ? std::to_string(info.st_ino) : "";
}

// In clock ticks since boot (proc(5), field 22): a pid is used again, a pid with its start time is not. Empty: no such
// process.
std::string start_time(const std::string& pid) {
  std::string stat = first_line("/proc/" + pid + "/stat");
  // The command, in parentheses, may hold anything; fields are counted from behind it.
  auto end = stat.rfind(')');
  if (end == std::string::npos) return "";
  std::size_t at = end + 1;
  for (int field = 3; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
  if (at == std::string::npos) return "";
  return stat.substr(at + 1, stat.find(' ', at + 1) - at - 1);
}

std::optional<std::array<std::string_view, 5>> parts_of(std::string_view worker) {
  std::array<std::string_view, 5> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto slash = worker.find('/');
    if ((slash == std::string_view::npos) != (i + 1 == parts.size())) return std::nullopt;
    parts[i] = worker.substr(0, slash);
    if (parts[i].empty()) return std::nullopt;
    worker.remove_prefix(slash == std::string_view::npos ? worker.size() : slash + 1);
  }
  return parts;
}

}  // namespace

std::string this_worker(Random& random) {
  std::string pid = std::to_string(::getpid());
  return boot_id() + "/" + pid_namespace() + "/" + pid + "/" + start_time(pid) + "/" + random.text(12, base62_alphabet);
}

bool surely_dead(std::string_view worker) {
  auto parts = parts_of(worker);
  if (!parts) return false;
  const auto& [boot, space, pid, start, nonce] = *parts;
  if (boot != boot_id() || space != pid_namespace() || !parse_int(pid)) return false;
  return start_time(std::string(pid)) != start;
}

}  // namespace toll::jobs
