// Three fixed windows on the UTC clock as a state machine: no clock, no lock, no memory of its own beyond 40 bytes.
//
// A call is admitted when all three windows have room, and is then charged to all three; a refused call is charged to
// none. A window begins at a whole minute, hour or day of UTC.
//
// The clock may jump. Forward: the windows that began meanwhile are fresh. Backward by less than one whole window: the
// calls go on being charged to the newest window that was seen, so crossing a boundary twice never gives a limit twice.
// Backward by more: the clock was wrong before; the count moves to the window of the new time and is kept, so a key is
// neither set free nor shut out for longer than that window.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.h"

namespace toll::metering {

enum class Window : std::uint8_t { minute, hour, day };
inline constexpr std::array<Window, 3> all_windows{Window::minute, Window::hour, Window::day};

// "minute", "hour", "day"
std::string_view to_string(Window window);

constexpr std::chrono::seconds length_of(Window window) {
  constexpr std::array<int, 3> seconds{60, 3600, 86'400};
  return std::chrono::seconds(seconds[static_cast<std::size_t>(window)]);
}

// Calls a window; 0 admits nothing.
struct Limits {
  std::int64_t minute = 0;
  std::int64_t hour = 0;
  std::int64_t day = 0;

  constexpr std::int64_t of(Window window) const {
    return window == Window::minute ? minute : window == Window::hour ? hour : day;
  }
  bool operator==(const Limits&) const = default;
};

// What the headers and the refusal say.
struct Verdict {
  struct Part {
    std::int64_t limit = 0;
    std::int64_t remaining = 0;  // never negative; counts this call if it was charged
    Time reset;                  // when the next window begins
    bool operator==(const Part&) const = default;
  };
  bool admitted = false;
  // Nothing could be counted and the operator wants such calls refused: an answer of the kind "unavailable", without
  // rate limit headers. The parts are empty.
  bool unavailable = false;
  // This call took the last unit of these windows, as bits 1 << Window: once a window and subject.
  std::uint8_t just_reached = 0;
  std::array<Part, 3> parts;

  const Part& of(Window window) const { return parts[static_cast<std::size_t>(window)]; }
  bool reached(Window window) const { return (just_reached >> static_cast<unsigned>(window) & 1) != 0; }
  // Of a refused call: this window had no room.
  bool exhausted(Window window) const { return of(window).remaining == 0; }

  // The lowest remaining/limit; among equals the lowest remaining, then the shorter window.
  Window closest() const;
  // Of a refused call: the exhausted window that resets last, the longer one if two do.
  Window last_to_reset() const;
  // The window that the X-RateLimit headers show: closest() of an admitted call, last_to_reset() of a refused one.
  Window shown() const { return admitted ? closest() : last_to_reset(); }
  // Of a refused call: whole seconds until last_to_reset() is over, at least 1.
  std::chrono::seconds retry_after(Time now) const;
  // Whole seconds until the window is over, at least 1: the t of `RateLimit`.
  std::chrono::seconds seconds_left(Window window, Time now) const;

  bool operator==(const Verdict&) const = default;
};

// Of two subjects that a call is charged to (a key and its account), what the caller must know: window by window the
// one that is closer to exhaustion.
Verdict merged(const Verdict& a, const Verdict& b);

// The counts of one subject.
class Windows {
 public:
  struct Count {
    std::int64_t number = 0;  // of the window: whole windows since 1970
    std::int64_t used = 0;
    bool operator==(const Count&) const = default;
  };
  using Counts = std::array<Count, 3>;

  // Both leave the verdict's `admitted` with what a call now gets; only charge() takes a unit.
  Verdict charge(const Limits& limits, Time now) {
    move_to(now);
    return take_if(has_room(limits), limits);
  }
  Verdict peek(const Limits& limits, Time now) const {
    Windows then = *this;
    then.move_to(now);
    return then.verdict(limits, then.has_room(limits));
  }
  // The two halves of charge(), for a call that several subjects must admit.
  void move_to(Time now);
  bool has_room(const Limits& limits) const {
    return used_[0] < limits.minute && used_[1] < limits.hour && used_[2] < limits.day;
  }
  Verdict take_if(bool room, const Limits& limits);
  Verdict verdict(const Limits& limits, bool admitted) const;

  // What another process counted, or the request log holds. A window of the same number keeps the higher count, a newer
  // one replaces, an older one is nothing new.
  void learn(const Counts& counts);
  Counts counts() const;
  // No window holds a count any more at this time: nothing is lost by forgetting the subject.
  bool over(Time now) const;

  static std::int64_t number_of(Window window, Time now);

 private:
  std::array<std::int64_t, 3> used_{};
  std::array<std::uint32_t, 3> number_{};
};

}  // namespace toll::metering
