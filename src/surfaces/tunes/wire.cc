#include "surfaces/tunes/wire.h"

#include <fmt/format.h>

#include <chrono>

#include "base/text.h"
#include "identity/names.h"

namespace toll::tunes {

namespace {

// The next `width` digits; -1: they are none.
int take_digits(std::string_view& text, std::size_t width) {
  if (text.size() < width || text.substr(0, width).find_first_not_of("0123456789") != std::string_view::npos) return -1;
  const auto value = parse_int(text.substr(0, width));
  text.remove_prefix(width);
  return static_cast<int>(*value);
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == any_of.npos) return false;
  text.remove_prefix(1);
  return true;
}

// Microseconds of ".123456789"; further digits are dropped. nullopt: a dot without digits.
std::optional<Micros> take_fraction(std::string_view& text) {
  if (!take(text, ".")) return Micros(0);
  std::int64_t micros = 0, unit = 100'000;
  std::size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits, unit /= 10)
    micros += (text.front() - '0') * unit;
  return digits == 0 ? std::nullopt : std::optional(Micros(micros));
}

std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return std::chrono::minutes(0);
  const bool west = text.starts_with('-');
  if (!take(text, "+-")) return std::nullopt;
  const int hours = take_digits(text, 2);
  if (hours < 0 || hours > 23 || !take(text, ":")) return std::nullopt;
  const int minutes = take_digits(text, 2);
  if (minutes < 0 || minutes > 59) return std::nullopt;
  const auto offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return west ? -offset : offset;
}

}  // namespace

void append_stamp(std::string& out, Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time - day).count();
  char text[] = "\"0000-00-00T00:00:00Z\"";
  auto put = [&](std::size_t at, std::size_t width, std::int64_t value) {
    for (std::size_t i = width; i-- > 0; value /= 10) text[at + i] = static_cast<char>('0' + value % 10);
  };
  put(1, 4, static_cast<int>(date.year()));
  put(6, 2, static_cast<unsigned>(date.month()));
  put(9, 2, static_cast<unsigned>(date.day()));
  put(12, 2, seconds / 3600);
  put(15, 2, seconds / 60 % 60);
  put(18, 2, seconds % 60);
  out.append(text, sizeof text - 1);
}

std::optional<Time> parse_time(std::string_view text) {
  using namespace std::chrono;
  const int y = take_digits(text, 4);
  if (y < 0 || !take(text, "-")) return std::nullopt;
  const int m = take_digits(text, 2);
  if (m < 0 || !take(text, "-")) return std::nullopt;
  const int d = take_digits(text, 2);
  if (d < 0 || !take(text, "Tt ")) return std::nullopt;
  const int h = take_digits(text, 2);
  if (h < 0 || h > 23 || !take(text, ":")) return std::nullopt;
  const int min = take_digits(text, 2);
  if (min < 0 || min > 59 || !take(text, ":")) return std::nullopt;
  const int s = take_digits(text, 2);
  if (s < 0 || s > 60) return std::nullopt;  // 60: a leap second, which our clock does not have
  const auto fraction = take_fraction(text);
  const auto offset = fraction ? take_offset(text) : std::nullopt;
  const year_month_day date{year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
  if (!offset || !text.empty() || !date.ok()) return std::nullopt;
  return Time(sys_days(date)) + hours(h) + minutes(min) + seconds(s) + *fraction - *offset;
}

std::optional<std::string> parse_uuid(std::string_view text) {
  auto id = lower(text);
  if (!identity::is_uuid(id)) return std::nullopt;
  return id;
}

}  // namespace toll::tunes

namespace toll::json {

void Codec<tunes::Milliseconds>::write(std::string& out, const tunes::Milliseconds& v, bool) {
  // Three digits at least, or a service that answers in microseconds would seem to answer in none.
  if (v.value == 0 || v.value >= 10)
    fmt::format_to(std::back_inserter(out), "{:.1f}", v.value);
  else
    fmt::format_to(std::back_inserter(out), "{:.3f}", v.value);
}

}  // namespace toll::json
