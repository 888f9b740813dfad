#include "blob/folder/out_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "blob/folder/files.h"

namespace toll::blob::folder {

namespace {
// Every write but the last is a whole number of these, at an offset that is one too, as O_DIRECT demands.
constexpr std::size_t block = 4096;
constexpr std::size_t small_piece = 128 << 10, large_piece = 1 << 20;
constexpr std::uint64_t large_file = 16 << 20;
// Without O_DIRECT the kernel is told to begin writing after each step, so that the sync at the end finds little.
constexpr std::uint64_t writeback_step = 8 << 20;

// Stands while something is done that may throw: who goes on after the exception is told that there is a hole.
Fault broken() {
  return Fault(Reason::internal).because("an earlier write failed");
}
}  // namespace

OutFile::~OutFile() {
  if (under_way_.valid()) under_way_.wait();
}

Result<void> OutFile::append(std::span<const std::byte> bytes) {
  if (full_) return *full_;
  while (!bytes.empty()) {
    if (!room_) room_ = make_room(capacity_ = small_piece);
    const auto part = bytes.first(std::min(bytes.size(), capacity_ - held_));
    std::memcpy(room_.get() + held_, part.data(), part.size());
    held_ += part.size();
    bytes = bytes.subspan(part.size());
    if (held_ < capacity_) continue;
    if (auto flushed = leaving_ ? hand_over() : flush(); !flushed) return flushed;
    if (!leaving_ && written_ == large_file) {
      room_ = make_room(capacity_ = large_piece);
      leaving_ = make_room(capacity_);
      set_direct(true);
    }
  }
  return {};
}

Result<void> OutFile::finish() {
  if (full_) return *full_;
  if (auto settled = settle(); !settled) return settled;
  if (held_ % block != 0) set_direct(false);
  auto done = flush();
  // Whoever reads through this descriptor has buffers of any size.
  set_direct(false);
  return done;
}

OutFile::Room OutFile::make_room(std::size_t size) {
  Room room(static_cast<std::byte*>(std::aligned_alloc(block, size)));
  if (!room) throw std::bad_alloc();
  return room;
}

Result<void> OutFile::flush() {
  full_ = broken();
  auto done = write_out({room_.get(), std::exchange(held_, 0)});
  full_.reset();
  if (!done) full_ = done.error();
  return done;
}

Result<void> OutFile::hand_over() {
  if (auto settled = settle(); !settled) return settled;
  std::swap(room_, leaving_);
  const std::span<const std::byte> piece(leaving_.get(), std::exchange(held_, 0));
  full_ = broken();
  under_way_ = disk_.post([this, piece] { return write_out(piece); });
  full_.reset();
  return {};
}

Result<void> OutFile::settle() {
  if (!under_way_.valid()) return {};
  full_ = broken();
  auto done = under_way_.get();
  full_.reset();
  if (!done) full_ = done.error();
  return done;
}

Result<void> OutFile::write_out(std::span<const std::byte> bytes) {
  auto done = put(bytes);
  if (done && !direct_) done = start_writeback();
  return done;
}

Result<void> OutFile::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    // A file system may take the flag and refuse the write, also after a short one at the end of the disk.
    if (written < 0 && errno == EINVAL && direct_) {
      direct_refused_ = true;
      set_direct(false);
      continue;
    }
    if (written < 0) return full_or_throw(errno, "write");
    written_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

// True if the file is now in the wanted mode.
bool OutFile::set_direct(bool on) {
  if (on == direct_ || (on && direct_refused_)) return on == direct_;
  const int flags = ::fcntl(fd_, F_GETFL);
  if (flags < 0 || ::fcntl(fd_, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) != 0) return false;
  direct_ = on;
  return true;
}

// A hint: a file system that lacks it loses speed only. Errors of the writing itself may show here, and only once.
Result<void> OutFile::start_writeback() {
  if (written_ - pushed_ < writeback_step) return {};
  const auto from = static_cast<off64_t>(pushed_), size = static_cast<off64_t>(written_ - pushed_);
  pushed_ = written_;
  if (::sync_file_range(fd_, from, size, SYNC_FILE_RANGE_WRITE) == 0) return {};
  if (errno == ENOSYS || errno == EINVAL || errno == ESPIPE || errno == EINTR) return {};
  return full_or_throw(errno, "write back");
}

}  // namespace toll::blob::folder
