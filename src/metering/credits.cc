#include "metering/credits.h"

#include <fmt/format.h>

#include "base/text.h"

namespace toll::metering {

namespace {

constexpr int places = 6;

// micros as sign, whole part and six-digit fraction
std::string with_decimals(Credits amount, std::size_t least) {
  const auto magnitude =
      amount.micros < 0 ? 0 - static_cast<std::uint64_t>(amount.micros) : static_cast<std::uint64_t>(amount.micros);
  std::string fraction = fmt::format("{:06}", magnitude % micros_per_credit);
  while (fraction.size() > least && fraction.back() == '0') fraction.pop_back();
  return fmt::format("{}{}{}{}", amount.micros < 0 ? "-" : "", magnitude / micros_per_credit,
                     fraction.empty() ? "" : ".", fraction);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes the digits off the front of `text`.
std::string_view take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  const auto digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

// The exponent behind 'e'; nullopt unless it is a sensible integer.
std::optional<int> parse_exponent(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (text.empty() || text.size() > 4) return std::nullopt;
  const auto value = parse_int(text);
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

}  // namespace

std::string to_text(Credits amount) {
  return with_decimals(amount, 1);
}
std::string to_short_text(Credits amount) {
  return with_decimals(amount, 0);
}

std::optional<Credits> parse_credits(std::string_view text) {
  if (text.size() > 64) return std::nullopt;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto whole = take_digits(text);
  if (whole.empty()) return std::nullopt;
  std::string digits(whole);
  int exponent = places;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const auto fraction = take_digits(text);
    if (fraction.empty()) return std::nullopt;
    digits += fraction;
    exponent -= static_cast<int>(fraction.size());
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    const auto scale = parse_exponent(text.substr(1));
    if (!scale) return std::nullopt;
    exponent += *scale;
    text = {};
  }
  if (!text.empty()) return std::nullopt;

  // digits x 10^exponent, in micros
  while (!digits.empty() && digits.front() == '0') digits.erase(0, 1);
  if (digits.empty()) return Credits{};
  while (exponent < 0 && digits.size() > 1 && digits.back() == '0') digits.pop_back(), ++exponent;
  if (exponent < 0 || digits.size() + static_cast<std::size_t>(exponent) > 16) return std::nullopt;
  digits.append(static_cast<std::size_t>(exponent), '0');
  const auto micros = parse_int(digits);
  if (!micros || *micros > largest_amount.micros) return std::nullopt;
  return Credits{negative ? -*micros : *micros};
}

}  // namespace toll::metering
