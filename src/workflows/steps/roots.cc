#include "workflows/steps/roots.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace toll::workflows::steps {

namespace {

engine::Fd open_beneath(int folder, const std::string& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  // Somebody else's rename meanwhile makes the kernel unsure, and it says so.
  for (int attempt = 0; attempt < 10; ++attempt) {
    engine::Fd fd(static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how)));
    if (fd || (errno != EAGAIN && errno != EINTR)) return fd;
  }
  return {};
}

}  // namespace

Roots::Roots(const std::vector<std::string>& entries) {
  for (const auto& entry : entries) {
    const auto equals = entry.find('=');
    auto path = entry.substr(equals + 1);
    const bool read_only = path.ends_with(":ro");
    if (read_only) path.resize(path.size() - 3);
    roots_[entry.substr(0, equals)] = {path, !read_only};
  }
}

const Root* Roots::find(std::string_view name) const {
  const auto found = roots_.find(name);
  return found == roots_.end() ? nullptr : &found->second;
}

bool is_plain_path(std::string_view path) {
  if (path.size() > 4096 || path.starts_with('/') || path.find('\0') != path.npos) return false;
  while (!path.empty()) {
    const auto part = path.substr(0, path.find('/'));
    if (part == "." || part == "..") return false;
    path.remove_prefix(std::min(part.size() + 1, path.size()));
  }
  return true;
}

std::optional<engine::Fd> open_below(const Root& root, const std::string& path, int flags, unsigned mode) {
  if (!is_plain_path(path)) return std::nullopt;
  const engine::Fd folder(::open(root.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return std::nullopt;
  auto fd = open_beneath(folder.get(), path.empty() ? "." : path, flags, mode);
  if (!fd) return std::nullopt;
  return fd;
}

std::optional<engine::Fd> make_folder_below(const Root& root, const std::string& path) {
  if (!is_plain_path(path)) return std::nullopt;
  engine::Fd folder(::open(root.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (std::string_view rest = path; folder && !rest.empty();) {
    const std::string part(rest.substr(0, rest.find('/')));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part.empty()) continue;
    if (::mkdirat(folder.get(), part.c_str(), 0777) != 0 && errno != EEXIST) return std::nullopt;
    folder = open_beneath(folder.get(), part, O_RDONLY | O_DIRECTORY, 0);
  }
  if (!folder) return std::nullopt;
  return folder;
}

}  // namespace toll::workflows::steps
