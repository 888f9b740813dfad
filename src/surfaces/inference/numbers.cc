#include "surfaces/inference/numbers.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <type_traits>

namespace toll::open_inference {

// --- 16-bit floating point

std::uint16_t to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  const std::uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;   // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00;  // rounds to infinity
  if (magnitude < 0x38800000) {                       // subnormal: counts of 2^-24
    const float count = std::fabs(value) * 16777216.0f;
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(std::nearbyint(count)));
  }
  const std::uint32_t rebased = magnitude - 0x38000000;
  const std::uint32_t rounded = rebased + 0xfff + (rebased >> 13 & 1);
  return static_cast<std::uint16_t>(sign | rounded >> 13);
}

float from_half(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  const std::uint32_t exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
  if (exponent == 0) {
    const float value = static_cast<float>(fraction) / 16777216.0f;
    return sign ? -value : value;
  }
  const std::uint32_t rebased = exponent == 0x1f ? 0xffu << 23 : (exponent + 112) << 23;
  return std::bit_cast<float>(sign | rebased | fraction << 13);
}

std::uint16_t to_bfloat(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float from_bfloat(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// --- in

void Numbers::add(std::int64_t value) {
  number_ = true;
  negative_ = negative_ || value < 0;
  if (negative_ && large_) make_real();  // no integer type holds both
  push(value);
}

void Numbers::add(std::uint64_t value) {
  number_ = true;
  if (negative_) make_real();
  large_ = true;
  push(value);
}

void Numbers::add(double value) {
  number_ = true;
  make_real();
  push(value);
}

void Numbers::add(bool value) {
  truth_ = true;
  push(std::uint64_t{value});
}

namespace {
constexpr std::int64_t largest_whole_double = std::int64_t{1} << 53;
}

void Numbers::note_exact(std::size_t at, std::int64_t value) {
  if (value < -largest_whole_double || value > largest_whole_double)
    exact_.push_back({at, static_cast<std::uint64_t>(value), value < 0});
}

void Numbers::note_exact(std::size_t at, std::uint64_t value) {
  if (value > static_cast<std::uint64_t>(largest_whole_double)) exact_.push_back({at, value, false});
}

template <class T>
void Numbers::push(T value) {
  if constexpr (!std::is_same_v<T, double>)
    if (real_) note_exact(values_.size(), value);
  values_.push_back(real_ ? std::bit_cast<std::uint64_t>(static_cast<double>(value))
                          : std::bit_cast<std::uint64_t>(value));
}

void Numbers::make_real() {
  if (real_) return;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (large_)
      note_exact(i, values_[i]);
    else
      note_exact(i, static_cast<std::int64_t>(values_[i]));
    values_[i] = std::bit_cast<std::uint64_t>(real(i));
  }
  real_ = true;
}

double Numbers::real(std::size_t i) const {
  if (real_) return std::bit_cast<double>(values_[i]);
  return large_ ? static_cast<double>(values_[i]) : static_cast<double>(static_cast<std::int64_t>(values_[i]));
}

namespace {

template <class T>
void put(std::string& out, std::size_t at, T value) {
  std::memcpy(out.data() + at * sizeof(T), &value, sizeof(T));
}

std::string at_index(std::size_t i, std::string_view what) {
  return "[" + std::to_string(i) + "] " + std::string(what);
}

}  // namespace

template <class T>
std::string Numbers::integers(std::string& out) const {
  constexpr std::string_view outside = "is no number that the datatype holds";
  out.resize(values_.size() * sizeof(T));
  auto exact = exact_.begin();
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (exact != exact_.end() && exact->at == i) {
      const auto bits = exact++->bits;
      const bool negative = std::prev(exact)->negative;
      if (negative ? !std::in_range<T>(static_cast<std::int64_t>(bits)) : !std::in_range<T>(bits))
        return at_index(i, outside);
      put(out, i, static_cast<T>(bits));
    } else if (real_) {
      const double value = real(i);
      // Both bounds are exact: the upper one is a power of two, one above the largest.
      if (value != std::trunc(value) || value < static_cast<double>(std::numeric_limits<T>::min()) ||
          value >= std::ldexp(1.0, std::numeric_limits<T>::digits))
        return at_index(i, outside);
      put(out, i, static_cast<T>(value));
    } else if (large_) {
      if (!std::in_range<T>(values_[i])) return at_index(i, outside);
      put(out, i, static_cast<T>(values_[i]));
    } else {
      const auto value = static_cast<std::int64_t>(values_[i]);
      if (!std::in_range<T>(value)) return at_index(i, outside);
      put(out, i, static_cast<T>(value));
    }
  }
  return {};
}

template <class T, class Convert>
std::string Numbers::reals(std::string& out, Convert convert) const {
  out.resize(values_.size() * sizeof(T));
  for (std::size_t i = 0; i < values_.size(); ++i) put(out, i, convert(real(i)));
  return {};
}

std::string Numbers::truths(std::string& out) const {
  out.resize(values_.size());
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (real(i) != 0 && real(i) != 1) return at_index(i, "is neither true nor false");
    out[i] = static_cast<char>(real(i) != 0);
  }
  return {};
}

std::string Numbers::to_bytes(ElementType type, std::string& out) const {
  if (type == ElementType::boolean) return truths(out);
  if (truth_) return "holds true or false, which is of BOOL alone";
  switch (type) {
    case ElementType::float32:
      return reals<float>(out, [](double v) { return static_cast<float>(v); });
    case ElementType::float64:
      return reals<double>(out, [](double v) { return v; });
    case ElementType::float16:
      return reals<std::uint16_t>(out, [](double v) { return to_half(static_cast<float>(v)); });
    case ElementType::bfloat16:
      return reals<std::uint16_t>(out, [](double v) { return to_bfloat(static_cast<float>(v)); });
    case ElementType::int8:
      return integers<std::int8_t>(out);
    case ElementType::int16:
      return integers<std::int16_t>(out);
    case ElementType::int32:
      return integers<std::int32_t>(out);
    case ElementType::int64:
      return integers<std::int64_t>(out);
    case ElementType::uint8:
      return integers<std::uint8_t>(out);
    case ElementType::uint16:
      return integers<std::uint16_t>(out);
    case ElementType::uint32:
      return integers<std::uint32_t>(out);
    case ElementType::uint64:
      return integers<std::uint64_t>(out);
    case ElementType::boolean:
      break;
  }
  return {};
}

// --- out

namespace {

template <class T>
T get(std::string_view bytes, std::size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

// The shortest text that reads back as the same value.
template <class T>
void append_number(std::string& out, T value) {
  char text[64];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

template <class T, class Show>
std::size_t append_all(std::string& out, std::string_view bytes, Show show) {
  std::size_t lost = 0;
  const std::size_t count = bytes.size() / sizeof(T);
  for (std::size_t i = 0; i < count; ++i) {
    if (i) out += ',';
    const auto value = show(get<T>(bytes, i));
    if constexpr (std::is_floating_point_v<decltype(value)>) {
      if (!std::isfinite(value)) {
        out += "null";
        ++lost;
        continue;
      }
    }
    append_number(out, value);
  }
  return lost;
}

template <class T>
std::size_t append_plain(std::string& out, std::string_view bytes) {
  return append_all<T>(out, bytes, [](T v) { return v; });
}

void append_truths(std::string& out, std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) out += std::string(i ? "," : "") + (bytes[i] ? "true" : "false");
}

std::size_t append_elements(std::string& out, ElementType type, std::string_view bytes) {
  switch (type) {
    case ElementType::float32:
      return append_plain<float>(out, bytes);
    case ElementType::float64:
      return append_plain<double>(out, bytes);
    case ElementType::float16:
      return append_all<std::uint16_t>(out, bytes, from_half);
    case ElementType::bfloat16:
      return append_all<std::uint16_t>(out, bytes, from_bfloat);
    case ElementType::int8:
      return append_plain<std::int8_t>(out, bytes);
    case ElementType::int16:
      return append_plain<std::int16_t>(out, bytes);
    case ElementType::int32:
      return append_plain<std::int32_t>(out, bytes);
    case ElementType::int64:
      return append_plain<std::int64_t>(out, bytes);
    case ElementType::uint8:
      return append_plain<std::uint8_t>(out, bytes);
    case ElementType::uint16:
      return append_plain<std::uint16_t>(out, bytes);
    case ElementType::uint32:
      return append_plain<std::uint32_t>(out, bytes);
    case ElementType::uint64:
      return append_plain<std::uint64_t>(out, bytes);
    case ElementType::boolean:
      append_truths(out, bytes);
      return 0;
  }
  return 0;
}

}  // namespace

std::size_t append_numbers(std::string& out, ElementType type, std::string_view bytes) {
  out += '[';
  const auto lost = append_elements(out, type, bytes);
  out += ']';
  return lost;
}

}  // namespace toll::open_inference
