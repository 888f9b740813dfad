// Argon2id over libsodium (RFC 9106). Slow on purpose: call it on a thread pool of its own, never in a transaction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace toll::identity {

inline constexpr std::size_t min_password_length = 6;  // code points
inline constexpr std::size_t max_password_length = 1024;

// "must be 6 to 1024 characters", or nullopt.
std::optional<std::string> password_problem(std::string_view password);

// Thread-safe.
class Passwords {
 public:
  // The defaults are libsodium's "interactive": 64 MiB, two passes, some 66 ms.
  struct Cost {
    std::uint64_t passes = 2;
    std::size_t memory = 64u << 20;
  };
  static Cost interactive() { return {}; }
  static Cost cheap_for_tests() { return {1, 8192}; }

  explicit Passwords(Cost cost = interactive());

  // "$argon2id$v=19$m=65536,t=2,p=1$...". Throws std::bad_alloc when the memory is not there.
  std::string hash(std::string_view password) const;
  // False too for a hash that is none of ours.
  bool verify(std::string_view hash, std::string_view password) const;
  // As long as verify, for accounts that do not exist.
  void verify_nothing(std::string_view password) const;
  // Made with another cost: hash again at the next login.
  bool outdated(std::string_view hash) const;

 private:
  Cost cost_;
  std::string nothing_;
};

}  // namespace toll::identity
