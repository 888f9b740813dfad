// Takes away the bytes that nothing refers to any more.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "blob/store.h"
#include "sql/database.h"

namespace toll::objects {

struct Swept {
  std::size_t blobs = 0;    // rows without references, with their files
  std::size_t strays = 0;   // files without a row
  std::size_t missing = 0;  // rows whose file is not there: damage, reported in the log and not repaired
  std::uint64_t bytes = 0;
};

// Thread-safe.
class Sweeper {
 public:
  struct Options {
    Micros interval = std::chrono::seconds(10);
    // How long a file may be there without a row: longer than any transaction that publishes.
    Micros stray_grace = std::chrono::hours(1);
  };
  Sweeper(sql::Database& db, blob::Store& store, const Clock& clock, Options options);
  ~Sweeper();

  // Removes every blob without references: deletes its row under refs = 0 and its file in the same transaction.
  // Blocking.
  Swept sweep();
  // Compares the store with the table. Files that have been without a row since a look at least stray_grace ago go.
  // Blocking, reads every name: once an hour.
  Swept audit();

  // Sweeps every interval on its own thread, audits every stray_grace; until the destructor.
  void start();
  // Sweeps soon; for after_commit of a detach.
  void wake();

 private:
  void run(std::stop_token stop);

  sql::Database& db_;
  blob::Store& store_;
  const Clock& clock_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool woken_ = false;
  std::map<Sha256, Time> strays_;  // files without a row and when they were first seen so
  std::jthread thread_;
};

}  // namespace toll::objects
