// So much of something for all calls of this process together.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace toll::deployed {

// Thread-safe.
class Budget {
 public:
  explicit Budget(std::uint64_t most) : most_(most) {}

  // What one call has taken; given back when it goes. The budget outlives it.
  class Share {
   public:
    explicit Share(Budget& budget) : budget_(budget) {}
    ~Share() { budget_.used_ -= taken_; }
    Share(const Share&) = delete;
    // Has so much now, never less than before; false: there is not so much left, and nothing changed.
    bool grow_to(std::uint64_t amount) {
      if (amount <= taken_) return true;
      const auto more = amount - taken_;
      if (budget_.used_.fetch_add(more) + more > budget_.most_) {
        budget_.used_ -= more;
        return false;
      }
      taken_ = amount;
      return true;
    }

   private:
    Budget& budget_;
    std::uint64_t taken_ = 0;
  };

 private:
  const std::uint64_t most_;
  std::atomic<std::uint64_t> used_ = 0;
};

}  // namespace toll::deployed
