// Who is told, after a commit, that there is work, that running work is void, and that an execution has ended.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "sql/database.h"
#include "workflows/ids.h"

namespace toll::workflows {

// Told on a database thread: must be quick and must not throw.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void work_added() = 0;
  virtual void withdrawn(const ExecutionId& execution) = 0;  // stop its items
};

// Thread-safe. Of this process; what others do shows in the database.
class Signals {
 public:
  void work_added(sql::Tx& tx);
  void withdrawn(sql::Tx& tx, const ExecutionId& execution);
  void ended(sql::Tx& tx, const ExecutionId& execution);

  // One listener; nullptr: none any more, and none is being told when this returns.
  void listen(Listener* listener);

  // Called once after the end, on a database thread; not at all once the handle is gone.
  using Told = std::function<void()>;
  [[nodiscard]] std::shared_ptr<void> on_end(const ExecutionId& execution, Told told);

 private:
  struct Waiting {
    ExecutionId execution;
    Told told;
  };
  std::mutex mutex_;  // held while someone is told
  Listener* listener_ = nullptr;
  std::map<std::uint64_t, Waiting> waiting_;
  std::multimap<ExecutionId, std::uint64_t> by_execution_;
  std::uint64_t next_ = 1;
};

}  // namespace toll::workflows
