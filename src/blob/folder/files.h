// What the folder store asks of the file system: descriptors, whole reads and writes, and files that vanish with the
// process.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "base/result.h"

namespace toll::blob::folder {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// The fault of a full disk or quota; anything else is thrown as std::system_error.
Fault full_or_throw(int error, const char* what);

// Makes the folder (mode 0700) unless it is there; its name is durable when the folder above is synced. Both throw.
Descriptor make_folder(const std::filesystem::path& path);
Descriptor open_folder(const std::filesystem::path& path);

// Up to out.size() bytes; fewer only at the end of the file. Throws.
std::size_t read_at(int fd, std::uint64_t offset, std::span<std::byte> out);
Result<void> sync_file(int fd);

enum class Naming {
  unnamed,  // O_TMPFILE: the kernel forgets the file with its last descriptor
  named     // in the staging folder, locked while its process lives
};

// A file that vanishes with the process unless it is linked. Destroying it removes its staging name, if it has one.
class Temporary {
 public:
  // Falls back to a named one where the file system has no O_TMPFILE. `staging` must outlive it.
  static Result<Temporary> create(const Descriptor& staging, Naming naming);
  Temporary(Temporary&&) = default;
  Temporary& operator=(Temporary&&) = delete;
  ~Temporary();

  int fd() const { return fd_.get(); }
  // Gives the file a second, lasting name below `folder`. Harmless if that name exists.
  Result<void> link(int folder, const std::string& name) const;
  // The same, in place of the file that has the name.
  Result<void> replace(int folder, const std::string& name) const;

 private:
  Temporary(Descriptor fd, int staging, std::string name)
      : fd_(std::move(fd)), staging_(staging), name_(std::move(name)) {}

  Descriptor fd_;
  int staging_;
  std::string name_;  // empty: unnamed, or moved from
};

// Removes the named temporaries of dead processes and returns how many there were.
std::size_t remove_leftovers(const Descriptor& staging);

}  // namespace toll::blob::folder
