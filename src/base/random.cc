#include "base/random.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace toll {

std::uint64_t Random::next() {
  std::array<std::byte, 8> bytes;
  fill(bytes);
  std::uint64_t value;
  std::memcpy(&value, bytes.data(), 8);
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  for (;;)
    if (auto value = next(); value < limit) return value % bound;
}

std::string Random::uuid4() {
  static constexpr char digits[] = "0123456789abcdef";
  std::array<std::byte, 16> b;
  fill(b);
  b[6] = (b[6] & std::byte{0x0f}) | std::byte{0x40};
  b[8] = (b[8] & std::byte{0x3f}) | std::byte{0x80};
  std::string out(36, '-');
  std::size_t at = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) ++at;
    out[at++] = digits[std::to_integer<unsigned>(b[i]) >> 4];
    out[at++] = digits[std::to_integer<unsigned>(b[i]) & 15];
  }
  return out;
}

std::string Random::text(std::size_t length, std::string_view alphabet) {
  std::string out;
  for (std::size_t i = 0; i < length; ++i) out += alphabet[below(alphabet.size())];
  return out;
}

namespace {

void fill_from_kernel(std::span<std::byte> out) {
  while (!out.empty()) {
    auto n = ::getrandom(out.data(), out.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    out = out.subspan(static_cast<std::size_t>(n));
  }
}

// A system call for many small draws instead of one for each. What has been given out is wiped.
struct Pool {
  std::array<std::byte, 1024> bytes;
  std::size_t used = sizeof bytes;
};

}  // namespace

void SystemRandom::fill(std::span<std::byte> out) {
  thread_local Pool pool;
  if (out.size() > pool.bytes.size() / 8) return fill_from_kernel(out);
  if (pool.bytes.size() - pool.used < out.size()) {
    fill_from_kernel(pool.bytes);
    pool.used = 0;
  }
  std::memcpy(out.data(), pool.bytes.data() + pool.used, out.size());
  std::memset(pool.bytes.data() + pool.used, 0, out.size());
  pool.used += out.size();
}

void TestRandom::fill(std::span<std::byte> out) {
  std::lock_guard lock(mutex_);
  for (auto& byte : out) byte = static_cast<std::byte>(engine_() >> 32);
}

}  // namespace toll
