// Bells: "something about this topic has changed", from any thread to whoever waits for it. A bell says nothing of what
// has changed; who hears it looks again.
//
//   const auto heard = bells.count();
//   ... look ...
//   auto waiting = bells.listen(topic, heard, wake);      wakes at once if it rang while we looked
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>

namespace toll::async {

// Thread-safe. Outlives what listens.
class Bells {
 public:
  using Wake = std::function<void()>;  // any thread calls it; must not block, throw or come back here

  // Rings until now, of all topics.
  std::uint64_t count() const { return rings_.load(std::memory_order_acquire); }
  // For after_commit: never blocks for long.
  void ring(std::string_view topic);
  // `wake` is called once the bell rings after `heard`, or is closed; perhaps for another topic, perhaps more than
  // once. Not any more when the handle has gone.
  [[nodiscard]] std::shared_ptr<void> listen(std::string_view topic, std::uint64_t heard, Wake wake);
  // Wakes everybody, and from now on all who come at once.
  void close();
  bool closed() const { return closed_.load(std::memory_order_acquire); }

 private:
  struct Bell {
    std::mutex mutex;
    std::uint64_t last = 0;  // the number of its last ring
    std::list<Wake> listeners;
  };
  static constexpr std::size_t bell_count = 256;
  Bell& bell_of(std::string_view topic) { return bells_[std::hash<std::string_view>()(topic) % bell_count]; }

  std::atomic<std::uint64_t> rings_ = 0;
  std::atomic<bool> closed_ = false;
  std::array<Bell, bell_count> bells_;
};

}  // namespace toll::async
