#include "schema/number.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/text.h"

namespace toll::schema {

static_assert(std::numeric_limits<long double>::digits >= 64);

namespace {

__extension__ typedef unsigned __int128 Wide;

// mantissa * 10^exponent; the mantissa has no trailing zeros.
struct Decimal {
  std::uint64_t mantissa = 0;
  int exponent = 0;
};

Decimal reduced(Decimal number) {
  while (number.mantissa != 0 && number.mantissa % 10 == 0) {
    number.mantissa /= 10;
    ++number.exponent;
  }
  return number;
}

// The shortest decimal that reads back as the same double is the one that was written, if it had at most 15 digits.
Decimal decimal_of(double number) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, std::abs(number), std::chars_format::scientific).ptr;
  Decimal out;
  int fraction = 0;
  bool after_point = false;
  const char* at = text;
  for (; at != end && *at != 'e'; ++at) {
    if (*at == '.') {
      after_point = true;
    } else {
      out.mantissa = out.mantissa * 10 + static_cast<std::uint64_t>(*at - '0');
      fraction += after_point;
    }
  }
  if (at != end) ++at;
  if (at != end && *at == '+') ++at;
  std::from_chars(at, end, out.exponent);
  out.exponent -= fraction;
  return out;
}

Decimal decimal_of(const json::Value& number) {
  if (number.is_double()) return reduced(decimal_of(number.get_double()));
  if (number.is_uint64()) return reduced({number.get_uint64(), 0});
  const auto value = number.get_int64();
  return reduced({value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value), 0});
}

std::uint64_t remainder_of_power(std::uint64_t base, int exponent, std::uint64_t modulus) {
  Wide result = 1 % modulus, square = base % modulus;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2) result = result * square % modulus;
    square = square * square % modulus;
  }
  return static_cast<std::uint64_t>(result);
}

}  // namespace

long double number_of(const json::Value& number) {
  if (number.is_int64()) return static_cast<long double>(number.get_int64());
  if (number.is_uint64()) return static_cast<long double>(number.get_uint64());
  return static_cast<long double>(number.get_double());
}

bool is_integer(const json::Value& number) {
  return !number.is_double() ||
         (std::isfinite(number.get_double()) && std::trunc(number.get_double()) == number.get_double());
}

bool is_multiple(const json::Value& value, const json::Value& step) {
  if (value.is_double() && !std::isfinite(value.get_double())) return false;
  const auto a = decimal_of(value), b = decimal_of(step);
  if (a.mantissa == 0) return true;
  const int shift = a.exponent - b.exponent;
  if (shift >= 0)
    return static_cast<Wide>(a.mantissa % b.mantissa) * remainder_of_power(10, shift, b.mantissa) % b.mantissa == 0;
  // a * 10^shift would have to be an integer, and its mantissa has no factor of ten left; but it may hold those of b.
  Wide divisor = b.mantissa;
  for (int i = shift; i < 0; ++i) {
    divisor *= 10;
    if (divisor > a.mantissa) return false;
  }
  return a.mantissa % static_cast<std::uint64_t>(divisor) == 0;
}

std::string number_text(const json::Value& number) {
  if (number.is_int64()) return std::to_string(number.get_int64());
  if (number.is_uint64()) return std::to_string(number.get_uint64());
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, number.get_double()).ptr};
}

}  // namespace toll::schema
