// How many calls of one account wait at the same time: what waits holds a connection.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "base/ids.h"

namespace toll::media_api {

// Thread-safe. Outlives its places.
class Waits {
 public:
  static constexpr int most = 256;  // of an account

  // A place for as long as it is kept; null: there is none left.
  std::shared_ptr<void> take(AccountId account) {
    std::lock_guard lock(mutex_);
    auto& count = counts_[account.value()];
    if (count >= most) return nullptr;
    ++count;
    return {static_cast<void*>(this), [account](void* of) { static_cast<Waits*>(of)->leave(account); }};
  }

 private:
  void leave(AccountId account) {
    std::lock_guard lock(mutex_);
    const auto count = counts_.find(account.value());
    if (--count->second == 0) counts_.erase(count);
  }

  std::mutex mutex_;
  std::map<std::int64_t, int> counts_;
};

}  // namespace toll::media_api
