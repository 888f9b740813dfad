// Runs whose engine is done and whose end waits to be written: many ends share one transaction.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "jobs/dispatcher.h"
#include "jobs/roster.h"

namespace toll::jobs {

struct Ending {
  Roster::Entry entry;
  std::unique_ptr<Run> run;
};

// Thread-safe.
class Endings {
 public:
  void add(Ending ending);
  // Waits; everything there is. Empty once closed and taken.
  std::vector<Ending> take();
  void close();

 private:
  std::mutex mutex_;
  std::condition_variable added_;
  std::vector<Ending> waiting_;
  bool closed_ = false;
};

}  // namespace toll::jobs
