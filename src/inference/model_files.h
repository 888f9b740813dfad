// The files of models, at hand on this machine. Where the store is elsewhere (S3) a file is fetched once, and kept for
// the next worker that needs it.
#pragma once

#include <chrono>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "base/digest.h"
#include "base/result.h"
#include "blob/store.h"

namespace toll::inference {

// Thread-safe.
class ModelFiles {
 public:
  using File = std::shared_ptr<const blob::Reader>;
  struct Limits {
    std::uint64_t kept_bytes = 0;           // of fetched files that no worker holds, together
    std::chrono::milliseconds patience{0};  // with a file that is being fetched
    std::size_t fetches = 8;                // at a time
  };
  // `store` must outlive this. The destructor waits for what is being fetched.
  ModelFiles(const blob::Store& store, Limits limits) : store_(store), limits_(limits) {}

  // Blocks. The file's local_fd() is there when it comes. Faults: those of Store::open; overloaded with retry_after
  // when it has not come in time: it goes on coming, and is found by who asks then. Throws what the store does.
  Result<File> open(const Sha256& digest);

 private:
  struct Kept {
    Sha256 digest;
    File file;
  };
  File find(const Sha256& digest);
  void keep(const Sha256& digest, const File& file);
  Result<File> fetch(const Sha256& digest);

  const blob::Store& store_;
  const Limits limits_;
  std::mutex mutex_;
  std::list<Kept> kept_;  // the last used first
  std::uint64_t kept_bytes_ = 0;
  std::map<Sha256, std::shared_future<Result<File>>> coming_;
};

}  // namespace toll::inference
