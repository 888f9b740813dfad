#include "blob/folder/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>

#include "base/random.h"

namespace toll::blob::folder {

namespace {

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), "blob store: " + what);
}

constexpr const char* suffix = ".part";

// nullopt: this file system has no unnamed files.
std::optional<Result<Descriptor>> open_unnamed(int staging) {
  const int fd = ::openat(staging, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return Descriptor(fd);
  if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL || errno == ENOENT) return std::nullopt;
  return full_or_throw(errno, "create");
}

bool lock(int fd) {
  return ::flock(fd, LOCK_EX | LOCK_NB) == 0;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Fault full_or_throw(int error, const char* what) {
  if (error != ENOSPC && error != EDQUOT) fail(error, what);
  return Fault(Reason::storage_full)
      .because(std::string("blob store: ") + what + ": " + std::generic_category().message(error));
}

Descriptor make_folder(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail(errno, "make " + path.string());
  return open_folder(path);
}

Descriptor open_folder(const std::filesystem::path& path) {
  Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) fail(errno, "open " + path.string());
  return folder;
}

std::size_t read_at(int fd, std::uint64_t offset, std::span<std::byte> out) {
  std::size_t total = 0;
  while (total < out.size()) {
    const auto got = ::pread(fd, out.data() + total, out.size() - total, static_cast<off_t>(offset + total));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(errno, "read");
    if (got == 0) break;
    total += static_cast<std::size_t>(got);
  }
  return total;
}

Result<void> sync_file(int fd) {
  if (::fsync(fd) != 0) return full_or_throw(errno, "sync");
  return {};
}

Result<Temporary> Temporary::create(const Descriptor& staging, Naming naming) {
  if (naming == Naming::unnamed)
    if (auto unnamed = open_unnamed(staging.get())) {
      if (!*unnamed) return std::move(*unnamed).error();
      return Temporary(std::move(**unnamed), staging.get(), "");
    }
  SystemRandom random;
  for (;;) {
    const std::string name = random.uuid4() + suffix;
    Descriptor fd(::openat(staging.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return full_or_throw(errno, "create");
    // Between its creation and its lock the file looks like a leftover; if it was taken for one, make another.
    struct stat now {};
    if (lock(fd.get()) && ::fstat(fd.get(), &now) == 0 && now.st_nlink > 0)
      return Temporary(std::move(fd), staging.get(), name);
  }
}

Temporary::~Temporary() {
  if (fd_ && !name_.empty()) ::unlinkat(staging_, name_.c_str(), 0);
}

Result<void> Temporary::link(int folder, const std::string& name) const {
  // The documented way to name an O_TMPFILE without privileges (open(2)).
  const std::string self = "/proc/self/fd/" + std::to_string(fd_.get());
  const int failed = name_.empty() ? ::linkat(AT_FDCWD, self.c_str(), folder, name.c_str(), AT_SYMLINK_FOLLOW)
                                   : ::linkat(staging_, name_.c_str(), folder, name.c_str(), 0);
  if (failed && errno != EEXIST) return full_or_throw(errno, "link");
  return {};
}

Result<void> Temporary::replace(int folder, const std::string& name) const {
  // A name of its own to move from; locked, so that nobody takes it for a leftover meanwhile.
  if (!lock(fd_.get())) fail(errno, "lock");
  const std::string from = SystemRandom().uuid4() + suffix;
  if (auto linked = link(staging_, from); !linked) return linked;
  const int failed = ::renameat(staging_, from.c_str(), folder, name.c_str()) != 0 ? errno : 0;
  // rename(2) leaves both names where they are one file's already.
  ::unlinkat(staging_, from.c_str(), 0);
  if (failed) return full_or_throw(failed, "replace");
  return {};
}

std::size_t remove_leftovers(const Descriptor& staging) {
  // fdopendir owns its descriptor and shares the position of a duplicate, so it gets one of its own.
  const int own = ::openat(staging.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(own < 0 ? nullptr : ::fdopendir(own), ::closedir);
  if (!entries) fail(errno, "list the staging folder");
  std::size_t removed = 0;
  while (const auto* entry = ::readdir(entries.get())) {
    if (!std::string_view(entry->d_name).ends_with(suffix)) continue;
    const Descriptor fd(::openat(staging.get(), entry->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (fd && lock(fd.get()) && ::unlinkat(staging.get(), entry->d_name, 0) == 0) ++removed;
  }
  return removed;
}

}  // namespace toll::blob::folder
