// Room for calls: how many there may be at once and how many bytes they hold, of everybody and of one account.
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
  Place(Places& places, AccountId account) : places_(places), account_(account) {}
  ~Place();
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  AccountId account() const { return account_; }
  // What the call holds now: its input as it comes in, later its outputs. Not for two threads at once. Faults, with
  // retry_after and nothing changed: overloaded, too_many_requests.
  Result<void> hold(std::uint64_t bytes);

 private:
  Places& places_;
  AccountId account_;
  std::uint64_t bytes_ = 0;
};

// Thread-safe; never blocks.
class Places {
 public:
  struct Limits {
    std::size_t calls = 0, calls_of_account = 0;
    std::uint64_t bytes = 0, bytes_of_account = 0;
  };
  explicit Places(Limits limits) : limits_(limits) {}

  // Faults, with retry_after: overloaded (everybody's room is used), too_many_requests (this account's share is).
  Result<std::shared_ptr<Place>> take(AccountId account);
  std::size_t taken() const;

 private:
  friend class Place;
  struct Share {
    std::size_t calls = 0;
    std::uint64_t bytes = 0;
  };
  Result<void> change(AccountId account, std::uint64_t from, std::uint64_t to);
  void give_back(AccountId account, std::uint64_t bytes);

  const Limits limits_;
  mutable std::mutex mutex_;
  Share all_;
  std::unordered_map<AccountId, Share> of_account_;
};

}  // namespace toll::inference
