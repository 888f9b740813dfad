#pragma once

#include <cstdlib>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"

namespace toll::blob::folder {

// Appends to an empty file in large aligned pieces. The first 16 MiB go through the page cache, where whoever works on
// a small file finds them. What follows goes to the disk directly where the file system can: it costs half the CPU
// time, a large file does not push everything else out of memory, and finish() has little left to wait for.
class OutFile {
 public:
  // `fd` stays the caller's.
  explicit OutFile(int fd) : fd_(fd) {}
  // Faults: storage_full, and from then on always: the file has a hole. Throws on I/O errors.
  Result<void> append(std::span<const std::byte> bytes);
  // Writes what is gathered. Once, last.
  Result<void> finish();

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };

  void make_room(std::size_t size);
  Result<void> flush();
  Result<void> put(std::span<const std::byte> bytes);
  bool set_direct(bool on);
  Result<void> start_writeback();

  int fd_;
  bool direct_ = false;
  bool direct_refused_ = false;
  std::unique_ptr<std::byte, Free> room_;
  std::size_t capacity_ = 0, held_ = 0;
  std::uint64_t written_ = 0, pushed_ = 0;
  std::optional<Fault> full_;
};

}  // namespace toll::blob::folder
