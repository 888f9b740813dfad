// Credits are counted in millionths, as integers; text is for people and the wire.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace toll::metering {

struct Credits {
  std::int64_t micros = 0;

  auto operator<=>(const Credits&) const = default;
  Credits operator-() const { return {-micros}; }
  Credits& operator+=(Credits other) { return micros += other.micros, *this; }
  Credits& operator-=(Credits other) { return micros -= other.micros, *this; }
  friend Credits operator+(Credits a, Credits b) { return a += b; }
  friend Credits operator-(Credits a, Credits b) { return a -= b; }
};

inline constexpr std::int64_t micros_per_credit = 1'000'000;
inline constexpr Credits largest_amount{1'000'000'000 * micros_per_credit};

constexpr Credits whole_credits(std::int64_t count) {
  return {count * micros_per_credit};
}

// One to six decimals: "1.0", "0.0", "-2.5", "0.000001".
std::string to_text(Credits amount);
// For sentences: no decimals when there are none to show: "3", "2.5".
std::string to_short_text(Credits amount);
// A JSON number's text or a form value, exactly: optional sign, digits, at most six places, exponent allowed ("1e3").
// nullopt: not a decimal number, more than six places, or beyond largest_amount either way.
std::optional<Credits> parse_credits(std::string_view text);
// Exact for every amount up to largest_amount when written with six places.
constexpr double to_number(Credits amount) {
  return static_cast<double>(amount.micros) / micros_per_credit;
}

}  // namespace toll::metering
