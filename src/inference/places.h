// Room for calls: how many there may be at once, how many of one account, and how many bytes they may bring.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/ids.h"
#include "base/result.h"

namespace toll::inference {

class Places;

// One call's room, given back when this goes. Must not outlive its Places.
class Place {
 public:
  Place(Places& places, AccountId account, std::uint64_t bytes) : places_(places), account_(account), bytes_(bytes) {}
  ~Place();
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  AccountId account() const { return account_; }

 private:
  Places& places_;
  AccountId account_;
  std::uint64_t bytes_;
};

// Thread-safe; never blocks.
class Places {
 public:
  struct Limits {
    std::size_t calls = 0, calls_of_account = 0;
    std::uint64_t bytes = 0;
  };
  explicit Places(Limits limits) : limits_(limits) {}

  // Faults, with retry_after: overloaded (everybody's room is used), too_many_requests (this account's share is).
  Result<std::shared_ptr<Place>> take(AccountId account, std::uint64_t bytes);
  std::size_t taken() const;

 private:
  friend class Place;
  void give_back(AccountId account, std::uint64_t bytes);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::size_t calls_ = 0;
  std::uint64_t bytes_ = 0;
  std::unordered_map<std::int64_t, std::size_t> of_account_;
};

}  // namespace toll::inference
