// Threads that write to the disk while others go on hashing.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"

namespace toll::blob::folder {

// Thread-safe. The threads are started when they are first needed. What has been posted is done before the destructor
// returns.
class WriteBehind {
 public:
  using Start = std::function<std::thread(std::function<void()>)>;  // throws std::system_error: there is none to be had
  explicit WriteBehind(
      std::size_t threads, Start start = [](auto work) { return std::thread(std::move(work)); })
      : most_(threads), start_(std::move(start)) {}
  ~WriteBehind();

  // Calls `write` on one of the threads, in the order of posting; where no thread is to be had, here and now. The
  // future has what it returned or threw.
  std::future<Result<void>> post(std::function<Result<void>()> write);

 private:
  using Job = std::packaged_task<Result<void>()>;
  bool has_hands();
  void work();

  const std::size_t most_;
  const Start start_;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<Job> jobs_;
  std::size_t idle_ = 0;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace toll::blob::folder
