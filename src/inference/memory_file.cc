#include "inference/memory_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace toll::inference {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write to a memory file");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

engine::Fd memory_file() {
  engine::Fd fd(::memfd_create("tensor", MFD_CLOEXEC));
  if (!fd) fail("memfd_create");
  return fd;
}

engine::Fd memory_file(const std::vector<std::string_view>& pieces) {
  auto fd = memory_file();
  for (auto piece : pieces) write_all(fd.get(), piece);
  return fd;
}

Result<std::optional<std::string>> read_memory_file(int fd, std::uint64_t most) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) fail("fstat of a memory file");
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  if (size > most) return std::optional<std::string>();
  std::string out(size, '\0');
  for (std::size_t at = 0; at < out.size();) {
    const auto count = ::pread(fd, out.data() + at, out.size() - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("read of a memory file");
    if (count == 0) return Fault(Reason::internal).because("a tensor became shorter while it was read");
    at += static_cast<std::size_t>(count);
  }
  return std::optional<std::string>(std::move(out));
}

}  // namespace toll::inference
