#include "engines/separation/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace toll::engines::separation {

std::size_t thread_count() {
  static const std::size_t count = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 8);
  return count;
}

void parallel_for(std::size_t count, std::size_t grain, const std::stop_token& stop,
                  const std::function<void(std::size_t, std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr thrown;
  std::mutex mutex;
  auto run = [&] {
    try {
      for (std::size_t begin; !stop.stop_requested() && (begin = next.fetch_add(grain)) < count;)
        work(begin, std::min(begin + grain, count));
    } catch (...) {
      std::lock_guard lock(mutex);
      if (!thrown) thrown = std::current_exception();
      next = count;
    }
  };
  {
    const std::size_t slices = (count + grain - 1) / grain;
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(thread_count(), slices); ++i) {
      try {
        helpers.emplace_back(run);
      } catch (const std::system_error&) {
        break;  // no room for another thread: fewer do the same work
      }
    }
    run();
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace toll::engines::separation
