// A file as memory: read-only, shared with every other process that maps it, and given back under pressure.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace toll::engines::onnx {

class MappedFile {
 public:
  // The whole of a regular, non-empty file; the descriptor may be closed afterwards. The file must not be made shorter
  // while it is mapped. Reason::model_unusable when it is empty or no regular file; throws std::system_error otherwise.
  static Result<MappedFile> open(int fd);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  // Takes no memory until bytes are looked at again, which is as good as before.
  void drop_pages() const;

 private:
  MappedFile(const std::byte* data, std::size_t size) : data_(data), size_(size) {}
  const std::byte* data_;
  std::size_t size_;
};

// SHA-256, lower-case hex.
std::string file_digest(std::span<const std::byte> bytes);

}  // namespace toll::engines::onnx
