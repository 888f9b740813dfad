// Chance is passed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <random>
#include <span>
#include <string>

namespace toll {

class Random {
 public:
  virtual ~Random() = default;
  // Fills the whole span. Thread-safe.
  virtual void fill(std::span<std::byte> out) = 0;

  std::uint64_t next();                      // 64 uniform bits
  std::uint64_t below(std::uint64_t bound);  // uniform in [0, bound), without modulo bias
  std::string uuid4();                       // lower-case RFC 9562 version 4
  // `length` characters, each uniform over the alphabet.
  std::string text(std::size_t length, std::string_view alphabet);
};

// The kernel's generator (getrandom). A process that forks must exec before it draws.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override;
};

// The same sequence for the same seed. For tests and simulations only.
class TestRandom final : public Random {
 public:
  explicit TestRandom(std::uint64_t seed = 1) : engine_(seed) {}
  void fill(std::span<std::byte> out) override;

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

inline constexpr std::string_view base62_alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
inline constexpr std::string_view base64url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace toll
