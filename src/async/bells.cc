#include "async/bells.h"

namespace toll::async {

void Bells::ring(std::string_view topic) {
  auto& bell = bell_of(topic);
  std::lock_guard lock(bell.mutex);
  bell.last = rings_.fetch_add(1, std::memory_order_acq_rel) + 1;
  for (const auto& wake : bell.listeners) wake();
}

std::shared_ptr<void> Bells::listen(std::string_view topic, std::uint64_t heard, Wake wake) {
  auto& bell = bell_of(topic);
  std::lock_guard lock(bell.mutex);
  if (closed() || bell.last > heard) wake();
  const auto place = bell.listeners.insert(bell.listeners.end(), std::move(wake));
  return {static_cast<void*>(&bell), [place](void* of) {
            auto& bell = *static_cast<Bell*>(of);
            std::lock_guard lock(bell.mutex);
            bell.listeners.erase(place);
          }};
}

void Bells::close() {
  closed_.store(true, std::memory_order_release);
  for (auto& bell : bells_) {
    std::lock_guard lock(bell.mutex);
    for (const auto& wake : bell.listeners) wake();
  }
}

}  // namespace toll::async
