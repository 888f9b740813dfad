#include "engines/onnx/mapped_file.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/digest.h"
#include "engines/onnx/refuse.h"

namespace toll::engines::onnx {

Result<MappedFile> MappedFile::open(int fd) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) throw std::system_error(errno, std::generic_category(), "fstat");
  if (!S_ISREG(facts.st_mode)) return refuse("it is no regular file");
  if (facts.st_size == 0) return refuse("the file is empty");
  const auto size = static_cast<std::size_t>(facts.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  return MappedFile(static_cast<const std::byte*>(data), size);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::drop_pages() const {
  ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
}

std::string file_digest(std::span<const std::byte> bytes) {
  Sha256Stream stream;
  stream.update(bytes);
  return hex(stream.finish());
}

}  // namespace toll::engines::onnx
