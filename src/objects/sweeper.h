// Takes away the bytes that nothing refers to any more.
//
// A file may go only when the database would still find no reference after a crash at that moment. A group of
// transactions commits together, so "refs = 0" inside one may be the work of a neighbour that never becomes durable.
// Hence two steps: one transaction marks the row (condemned_at); when that is durable another deletes row and file, if
// the mark is still the same. Attaching takes the mark away.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
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
    Micros audit_interval = std::chrono::hours(1);
  };
  Sweeper(sql::Database& db, blob::Store& store, const Clock& clock, Options options);
  ~Sweeper();

  // Removes every blob that has no references now. Blocking.
  Swept sweep();
  // Compares the store with the table and removes files without a row (a crash between publish and commit). Safe beside
  // running transactions: publishing happens under the row's lock, which this takes too. Blocking; reads every name.
  Swept audit();

  // On its own thread until the destructor: audits at once and every audit_interval, sweeps every interval.
  void start();
  // Sweeps soon; for after_commit of a detach.
  void wake();

 private:
  void run(std::stop_token stop);
  void remove_condemned(std::string_view digest, Time mark, Swept& swept);
  bool remove_stray(const Sha256& digest);
  bool is_missing(const std::string& digest);

  sql::Database& db_;
  blob::Store& store_;
  const Clock& clock_;
  const Options options_;
  std::mutex sweeping_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool woken_ = false;
  std::jthread thread_;
};

}  // namespace toll::objects
