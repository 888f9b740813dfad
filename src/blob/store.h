// Store: bytes by content. A blob is named by its SHA-256, never changes and is stored once.
//
// How a blob comes in, without a window in which a crash leaves an unknown file or a row without its file:
//   1. writer = store.create(); write...                    bytes go to a temporary that vanishes with the process
//   2. staged = writer->finish();                           digest, size, CRC; durable, still unnamed
//   3. in the transaction that inserts the reference to it (which holds the blob's row lock): staged->publish()
// and goes out: in a transaction that found no references left and deleted the blob's row: store.remove(digest).
// Steps 3 and removal are ordered by the row lock, so a blob with a row always has its file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"

namespace toll::blob {

struct Stored {
  Sha256 digest{};
  std::uint64_t size = 0;
  std::uint32_t crc32 = 0;
};

// Durable bytes that nobody can read by name yet. Destroying it discards them unless published.
class Staged {
 public:
  virtual ~Staged() = default;
  const Stored& stored() const { return stored_; }
  // Gives the bytes their name; harmless if they have it already. Faults: storage_full. Throws on I/O errors.
  virtual Result<void> publish() = 0;
  // The same, also where other bytes than these have come to lie under the name (a damaged disk): they are replaced at
  // once and whole, whatever they are. Who reads the old ones goes on with them.
  virtual Result<void> publish_anew() = 0;
  // A descriptor to read the bytes (pread), owned by this object; -1 if the store has none.
  virtual int fd() const { return -1; }

 protected:
  Stored stored_;
};

class Writer {
 public:
  virtual ~Writer() = default;
  // Faults: storage_full.
  virtual Result<void> write(std::span<const std::byte> bytes) = 0;
  // Makes the bytes durable. Once.
  virtual Result<std::unique_ptr<Staged>> finish() = 0;
};

// A temporary file that another process fills through its descriptor.
class Scratch {
 public:
  virtual ~Scratch() = default;
  virtual int fd() const = 0;
  // Reads the file through for its digest, makes it durable. Once.
  virtual Result<std::unique_ptr<Staged>> seal() = 0;
};

// An open blob. Stays readable after remove().
class Reader {
 public:
  virtual ~Reader() = default;
  virtual std::uint64_t size() const = 0;
  // Reads up to out.size() bytes at offset; 0 only at the end. Throws on I/O errors. Thread-safe.
  virtual std::size_t read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;
  // A descriptor for sendfile and for handing to a worker; -1 if the store has none.
  virtual int fd() const { return -1; }
  // fd(), or a descriptor of a local copy that is made now and lives as long as this. Throws on I/O errors.
  virtual int local_fd() const { return fd(); }
};

// Thread-safe. Stores that are not on this machine also fault with object_store_unavailable.
class Store {
 public:
  virtual ~Store() = default;
  virtual Result<std::unique_ptr<Writer>> create() = 0;
  virtual Result<std::unique_ptr<Scratch>> scratch() = 0;
  // Faults: not_found.
  virtual Result<std::shared_ptr<const Reader>> open(const Sha256& digest) const = 0;
  virtual bool exists(const Sha256& digest) const = 0;
  // True if it was there. A reader that is open goes on reading.
  virtual bool remove(const Sha256& digest) = 0;
  // Calls f for each blob there is, with its age by file time; for the sweeper and for tests.
  virtual void for_each(const std::function<void(const Sha256&, std::uint64_t size)>& f) const = 0;
  // Removes temporaries that a dead process left (only where the file system knows no unnamed files).
  virtual std::size_t remove_leftovers() = 0;
};

}  // namespace toll::blob
