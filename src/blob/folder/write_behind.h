// Threads that write to the disk while others go on hashing.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"

namespace toll::blob::folder {

// Thread-safe. The threads are started when they are first needed. What has been posted is done before the destructor
// returns.
class WriteBehind {
 public:
  explicit WriteBehind(std::size_t threads) : most_(threads) {}
  ~WriteBehind();

  // Calls `write` on one of the threads, in the order of posting; the future has what it returned or threw.
  std::future<Result<void>> post(std::function<Result<void>()> write);

 private:
  using Job = std::packaged_task<Result<void>()>;
  void work();

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<Job> jobs_;
  std::size_t idle_ = 0;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace toll::blob::folder
