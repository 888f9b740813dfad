#include "inference/purses.h"

#include <utility>

namespace toll::inference {

void Purse::give_back() {
  const auto price = std::exchange(price_, {});
  if (price.micros > 0) purses_.give_back(account_, price);
}

Result<std::shared_ptr<Purse>> Purses::take(AccountId account, metering::Credits price, metering::Credits balance) {
  std::lock_guard lock(mutex_);
  const auto promised = promised_.find(account);
  const auto left = promised == promised_.end() ? balance : balance - promised->second;
  if (left < price)
    return Fault(Reason::insufficient_credits)
        .with("needed", metering::to_text(price))
        .with("balance", metering::to_text(left.micros > 0 ? left : metering::Credits{}));
  auto purse = std::make_shared<Purse>(*this, account, price);
  promised_[account] += price;
  return purse;
}

void Purses::give_back(AccountId account, metering::Credits price) {
  std::lock_guard lock(mutex_);
  const auto promised = promised_.find(account);
  promised->second -= price;
  if (promised->second.micros == 0) promised_.erase(promised);
}

}  // namespace toll::inference
