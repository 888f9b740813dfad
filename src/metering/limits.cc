#include "metering/limits.h"

#include <algorithm>
#include <limits>

namespace toll::metering {

namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t micros_of(Window window) {
  return Micros(length_of(window)).count();
}

// Times before 1970 are window 0, times after the year 10000 the last one there is: both are clocks gone mad.
template <Window window>
std::uint32_t number_at(std::int64_t micros) {
  const auto number = std::max<std::int64_t>(micros, 0) / micros_of(window);
  return static_cast<std::uint32_t>(std::min<std::int64_t>(number, std::numeric_limits<std::uint32_t>::max() - 1));
}

std::array<std::uint32_t, 3> numbers_at(Time now) {
  const auto micros = to_micros(now);
  return {number_at<Window::minute>(micros), number_at<Window::hour>(micros), number_at<Window::day>(micros)};
}

// a is closer to exhaustion than b. A limit of 0 is exhausted.
bool closer(const Verdict::Part& a, const Verdict::Part& b) {
  const auto left = static_cast<Wide>(a.remaining) * b.limit;
  const auto right = static_cast<Wide>(b.remaining) * a.limit;
  return left != right ? left < right : a.remaining < b.remaining;
}

std::chrono::seconds whole_seconds(Time from, Time to) {
  return std::max(std::chrono::ceil<std::chrono::seconds>(to - from), std::chrono::seconds(1));
}

}  // namespace

std::string_view to_string(Window window) {
  static constexpr std::array<std::string_view, 3> names{"minute", "hour", "day"};
  return names[static_cast<std::size_t>(window)];
}

Window Verdict::closest() const {
  auto best = Window::minute;
  for (auto window : {Window::hour, Window::day})
    if (closer(of(window), of(best))) best = window;
  return best;
}

Window Verdict::last_to_reset() const {
  auto last = closest();
  for (auto window : all_windows)
    if (exhausted(window) && (!exhausted(last) || of(window).reset >= of(last).reset)) last = window;
  return last;
}

std::chrono::seconds Verdict::retry_after(Time now) const {
  return whole_seconds(now, of(last_to_reset()).reset);
}

std::chrono::seconds Verdict::seconds_left(Window window, Time now) const {
  return whole_seconds(now, of(window).reset);
}

Verdict merged(const Verdict& a, const Verdict& b) {
  if (a.unavailable) return a;
  if (b.unavailable) return b;
  Verdict out = a;
  out.admitted = a.admitted && b.admitted;
  out.just_reached = a.just_reached | b.just_reached;
  for (std::size_t i = 0; i < out.parts.size(); ++i)
    if (closer(b.parts[i], a.parts[i])) out.parts[i] = b.parts[i];
  return out;
}

std::int64_t Windows::number_of(Window window, Time now) {
  return numbers_at(now)[static_cast<std::size_t>(window)];
}

void Windows::move_to(Time now) {
  const auto numbers = numbers_at(now);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] == number_[i]) continue;
    if (numbers[i] > number_[i]) {
      used_[i] = 0;
      number_[i] = numbers[i];
    } else if (number_[i] - numbers[i] > 1) {
      number_[i] = numbers[i];
    }
  }
}

Verdict Windows::take_if(bool room, const Limits& limits) {
  if (!room) return verdict(limits, false);
  for (auto& used : used_) ++used;
  auto out = verdict(limits, true);
  for (std::size_t i = 0; i < out.parts.size(); ++i)
    if (out.parts[i].remaining == 0) out.just_reached |= static_cast<std::uint8_t>(1u << i);
  return out;
}

Verdict Windows::verdict(const Limits& limits, bool admitted) const {
  Verdict out;
  out.admitted = admitted;
  for (auto window : all_windows) {
    const auto i = static_cast<std::size_t>(window);
    const auto limit = limits.of(window);
    out.parts[i] = {limit, std::max<std::int64_t>(limit - used_[i], 0),
                    from_micros((std::int64_t{number_[i]} + 1) * micros_of(window))};
  }
  return out;
}

void Windows::learn(const Counts& counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto number = static_cast<std::uint32_t>(counts[i].number);
    if (number == number_[i]) used_[i] = std::max(used_[i], counts[i].used);
    if (number > number_[i]) {
      number_[i] = number;
      used_[i] = counts[i].used;
    }
  }
}

Windows::Counts Windows::counts() const {
  Counts out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = {number_[i], used_[i]};
  return out;
}

bool Windows::over(Time now) const {
  const auto numbers = numbers_at(now);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (used_[i] > 0 && numbers[i] <= number_[i]) return false;
  return true;
}

}  // namespace toll::metering
