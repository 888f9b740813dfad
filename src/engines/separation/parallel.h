// Work over independent rows on all cores of this machine.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>

namespace toll::engines::separation {

// Threads that run at once: the cores, at most 8.
std::size_t thread_count();

// Calls work(begin, end) for slices of `grain` rows that cover 0..count once. Slices run in any order on several
// threads, the caller's among them, so a row must not depend on another. After a stop request no slice is begun: the
// caller must look at `stop` before it uses the rows. The first exception of a slice is thrown here.
void parallel_for(std::size_t count, std::size_t grain, const std::stop_token& stop,
                  const std::function<void(std::size_t begin, std::size_t end)>& work);

}  // namespace toll::engines::separation
