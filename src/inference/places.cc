#include "inference/places.h"

namespace toll::inference {

namespace {
constexpr std::chrono::seconds try_again{1};
}

Place::~Place() {
  places_.give_back(account_, bytes_);
}

Result<std::shared_ptr<Place>> Places::take(AccountId account, std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (calls_ >= limits_.calls || bytes > limits_.bytes || bytes_ > limits_.bytes - bytes)
    return Fault(Reason::overloaded).retry_after(try_again);
  auto& own = of_account_[account.value()];
  if (own >= limits_.calls_of_account) return Fault(Reason::too_many_requests).retry_after(try_again);
  auto place = std::make_shared<Place>(*this, account, bytes);
  ++own;
  ++calls_;
  bytes_ += bytes;
  return place;
}

void Places::give_back(AccountId account, std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  --calls_;
  bytes_ -= bytes;
  const auto own = of_account_.find(account.value());
  if (--own->second == 0) of_account_.erase(own);
}

std::size_t Places::taken() const {
  std::lock_guard lock(mutex_);
  return calls_;
}

}  // namespace toll::inference
