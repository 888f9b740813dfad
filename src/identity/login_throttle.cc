#include "identity/login_throttle.h"

#include <algorithm>

#include "base/text.h"

namespace toll::identity {

LoginThrottle::Attempt::~Attempt() {
  if (owner_) owner_->end(who_, true);
}

void LoginThrottle::Attempt::passed() {
  if (auto* owner = std::exchange(owner_, nullptr)) owner->end(who_, false);
}

Result<LoginThrottle::Attempt> LoginThrottle::begin(std::string_view email, std::string_view address) {
  Who who(lower(trim(email)).substr(0, 320), std::string(address));
  const auto now = clock_.now();
  std::lock_guard lock(mutex_);
  if (records_.size() >= options_.capacity && !records_.contains(who)) make_room();
  Record& record = records_[who];
  record.touched = now;
  std::erase_if(record.failures, [&](Time failed) { return failed + options_.window <= now; });
  if (record.failures.size() + record.under_way >= options_.failures) {
    // With nothing but attempts under way the next answer is a moment away.
    const auto wait = record.failures.empty() ? Micros(0) : record.failures.front() + options_.window - now;
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait);
    return Fault(Reason::too_many_logins).retry_after(std::max(seconds, std::chrono::seconds(1)));
  }
  ++record.under_way;
  return Attempt(this, std::move(who));
}

void LoginThrottle::end(const Who& who, bool failed) {
  const auto now = clock_.now();
  std::lock_guard lock(mutex_);
  const auto it = records_.find(who);
  if (it == records_.end()) return;
  Record& record = it->second;
  --record.under_way;
  if (failed) record.failures.push_back(now);
  if (record.under_way == 0 && record.failures.empty()) records_.erase(it);
}

// What is over goes first; if nothing is, a tenth of the longest unused.
void LoginThrottle::make_room() {
  const auto over = clock_.now() - options_.window;
  std::erase_if(records_,
                [&](const auto& entry) { return entry.second.under_way == 0 && entry.second.touched <= over; });
  if (records_.size() < options_.capacity) return;
  std::vector<Time> ages;
  for (const auto& [who, record] : records_) ages.push_back(record.touched);
  const auto tenth = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / 10);
  std::nth_element(ages.begin(), tenth, ages.end());
  std::erase_if(records_,
                [&](const auto& entry) { return entry.second.under_way == 0 && entry.second.touched <= *tenth; });
}

}  // namespace toll::identity
