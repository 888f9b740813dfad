#include "tollhouse/hub/part_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace toll::app::hub {

PartFile::PartFile(const std::filesystem::path& path)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)), path_(path) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "open " + path.string());
  struct stat found {};
  ::fstat(fd_, &found);
  size_ = static_cast<std::uint64_t>(found.st_size);
}

PartFile::~PartFile() {
  ::close(fd_);
}

void PartFile::clear() {
  if (::ftruncate(fd_, 0) != 0) fail();
  size_ = 0;
}

void PartFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail();
    size_ += static_cast<std::uint64_t>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void PartFile::fail() const {
  throw std::system_error(errno, std::generic_category(), "write " + path_.string());
}

}  // namespace toll::app::hub
