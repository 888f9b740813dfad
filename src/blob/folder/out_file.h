#pragma once

#include <cstdlib>
#include <future>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "blob/folder/write_behind.h"

namespace toll::blob::folder {

// Appends to an empty file in large aligned pieces. The first 16 MiB go through the page cache, where whoever works on
// a small file finds them. What follows goes to the disk directly where the file system can: it costs half the CPU
// time, a large file does not push everything else out of memory, and finish() has little left to wait for. Such a
// write takes as long as the disk does, so it happens behind the caller's back: one piece is written while the next one
// is gathered.
class OutFile {
 public:
  // `fd` stays the caller's; `disk` must outlive this.
  OutFile(int fd, WriteBehind& disk) : fd_(fd), disk_(disk) {}
  ~OutFile();
  OutFile(const OutFile&) = delete;
  OutFile& operator=(const OutFile&) = delete;
  // Faults: storage_full, and from then on always: the file has a hole. Throws on I/O errors. Either may be about what
  // an earlier call gave.
  Result<void> append(std::span<const std::byte> bytes);
  // Writes what is gathered. Once, last.
  Result<void> finish();

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };

  using Room = std::unique_ptr<std::byte, Free>;

  static Room make_room(std::size_t size);
  Result<void> flush();
  Result<void> hand_over();
  Result<void> settle();
  Result<void> write_out(std::span<const std::byte> bytes);
  Result<void> put(std::span<const std::byte> bytes);
  bool set_direct(bool on);
  Result<void> start_writeback();

  const int fd_;
  WriteBehind& disk_;
  Room room_;
  std::size_t capacity_ = 0, held_ = 0;
  std::optional<Fault> full_;
  // While a write is under way, what follows is its own.
  Room leaving_;  // there once pieces are handed over
  std::future<Result<void>> under_way_;
  bool direct_ = false;
  bool direct_refused_ = false;
  std::uint64_t written_ = 0, pushed_ = 0;
};

}  // namespace toll::blob::folder
