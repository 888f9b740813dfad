#include "tollhouse/hub/halves.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/digest.h"
#include "base/text.h"

namespace toll::app::hub {

namespace {

namespace fs = std::filesystem;

fs::path root_of(const fs::path& data) {
  return data / "mirror";
}

// nullopt: somebody else has it, or removed it a moment ago.
std::optional<int> lock(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "open " + folder.string());
  struct stat now {};
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0 && ::fstat(fd, &now) == 0 && now.st_nlink > 0) return fd;
  ::close(fd);
  return std::nullopt;
}

}  // namespace

std::optional<Halves> Halves::open(const fs::path& data, std::string_view repo) {
  const auto folder = root_of(data) / percent_encode(repo);
  fs::create_directories(folder);
  const auto fd = lock(folder);
  if (!fd) return std::nullopt;
  return Halves(folder, *fd);
}

Halves::Halves(Halves&& other) noexcept : folder_(std::move(other.folder_)), lock_(std::exchange(other.lock_, -1)) {}

Halves::~Halves() {
  if (lock_ >= 0) ::close(lock_);
}

fs::path Halves::part(std::string_view commit, std::string_view file) const {
  return folder_ / (hex(sha256(std::string(commit) + "/" + std::string(file))) + ".part");
}

void Halves::remove() {
  fs::remove_all(folder_);
}

std::size_t remove_halves(const fs::path& data) {
  std::size_t removed = 0;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(root_of(data), none)) {
    const auto fd = lock(entry.path());
    if (!fd) continue;
    fs::remove_all(entry.path());
    ::close(*fd);
    ++removed;
  }
  return removed;
}

}  // namespace toll::app::hub
