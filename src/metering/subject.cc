#include "metering/subject.h"

#include <array>
#include <stdexcept>
#include <string_view>

namespace toll::metering {

namespace {

constexpr std::array<std::int8_t, 256> make_nibbles() {
  std::array<std::int8_t, 256> out{};
  out.fill(-1);
  for (int i = 0; i < 10; ++i) out[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    out[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    out[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
  }
  return out;
}
constexpr auto nibbles = make_nibbles();

constexpr bool is_dash(std::size_t at) {
  return at == 8 || at == 13 || at == 18 || at == 23;
}

std::optional<Subject> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Subject out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_dash(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const auto nibble = nibbles[static_cast<unsigned char>(text[i])];
    if (nibble < 0) return std::nullopt;
    auto& half = i < 19 ? out.high : out.low;
    half = half << 4 | static_cast<std::uint64_t>(nibble);
  }
  return out;
}

std::uint64_t fnv1a(std::string_view text, std::uint64_t state) {
  for (unsigned char c : text) state = (state ^ c) * 0x100000001b3u;
  return state;
}

}  // namespace

Subject Subject::of_key(const KeyId& key) {
  if (auto uuid = parse_uuid(key.value())) return *uuid;
  return {fnv1a(key.value(), 0xcbf29ce484222325u) | 1ull << 63, fnv1a(key.value(), 0x84222325cbf29ce4u)};
}

std::optional<KeyId> Subject::key() const {
  if (high <= 2) return std::nullopt;
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out(36, '-');
  int shift = 60;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (is_dash(i)) continue;
    out[i] = digits[(i < 19 ? high : low) >> shift & 15];
    shift = shift == 0 ? 60 : shift - 4;
  }
  return KeyId(std::move(out));
}

std::string Subject::bytes() const {
  std::string out(16, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    out[i] = static_cast<char>(high >> (56 - 8 * i));
    out[8 + i] = static_cast<char>(low >> (56 - 8 * i));
  }
  return out;
}

Subject Subject::from_bytes(std::string_view bytes) {
  if (bytes.size() != 16) throw std::invalid_argument("a subject has 16 bytes");
  Subject out;
  for (std::size_t i = 0; i < 8; ++i) {
    out.high = out.high << 8 | static_cast<unsigned char>(bytes[i]);
    out.low = out.low << 8 | static_cast<unsigned char>(bytes[8 + i]);
  }
  return out;
}

}  // namespace toll::metering
