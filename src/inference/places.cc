#include "inference/places.h"

namespace toll::inference {

namespace {
constexpr std::chrono::seconds try_again{1};

Fault wait(Reason reason) {
  return Fault(reason).retry_after(try_again);
}
}  // namespace

Place::~Place() {
  places_.give_back(account_, bytes_);
}

Result<void> Place::hold(std::uint64_t bytes) {
  if (auto changed = places_.change(account_, bytes_, bytes); !changed) return changed;
  bytes_ = bytes;
  return {};
}

Result<std::shared_ptr<Place>> Places::take(AccountId account) {
  std::lock_guard lock(mutex_);
  if (all_.calls >= limits_.calls) return wait(Reason::overloaded);
  auto& own = of_account_[account];
  if (own.calls >= limits_.calls_of_account) return wait(Reason::too_many_requests);
  auto place = std::make_shared<Place>(*this, account);
  ++own.calls;
  ++all_.calls;
  return place;
}

Result<void> Places::change(AccountId account, std::uint64_t from, std::uint64_t to) {
  std::lock_guard lock(mutex_);
  auto& own = of_account_[account];
  if (to > from && to - from > limits_.bytes - all_.bytes) return wait(Reason::overloaded);
  if (to > from && to - from > limits_.bytes_of_account - own.bytes) return wait(Reason::too_many_requests);
  all_.bytes += to - from;  // unsigned: less is added by going round
  own.bytes += to - from;
  return {};
}

void Places::give_back(AccountId account, std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  all_.bytes -= bytes;
  --all_.calls;
  const auto own = of_account_.find(account);
  own->second.bytes -= bytes;
  if (--own->second.calls == 0) of_account_.erase(own);
}

std::size_t Places::taken() const {
  std::lock_guard lock(mutex_);
  return all_.calls;
}

}  // namespace toll::inference
