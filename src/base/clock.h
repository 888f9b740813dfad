// Time is passed in. Wall time is UTC in whole microseconds, the resolution of both databases.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

namespace toll {

using Micros = std::chrono::microseconds;
using Time = std::chrono::sys_time<Micros>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override { return std::chrono::time_point_cast<Micros>(std::chrono::system_clock::now()); }
};

// A clock that stands still until it is told to move. Thread-safe.
class TestClock final : public Clock {
 public:
  explicit TestClock(Time start = Time(std::chrono::seconds(1'750'000'000))) : now_(start.time_since_epoch().count()) {}
  Time now() const override { return Time(Micros(now_.load())); }
  void advance(Micros step) { now_ += step.count(); }
  void set(Time time) { now_ = time.time_since_epoch().count(); }

 private:
  std::atomic<std::int64_t> now_;
};

constexpr std::int64_t to_micros(Time time) {
  return time.time_since_epoch().count();
}
constexpr Time from_micros(std::int64_t micros) {
  return Time(Micros(micros));
}

// "2025-01-01T12:00:00", UTC, fraction dropped.
std::string iso_seconds(Time time);
// "2025-01-01T12:00:00.123456Z"
std::string iso_micros(Time time);
// "Wed, 01 Jan 2025 12:00:00 GMT" (RFC 9110, 5.6.7)
std::string http_date(Time time);

}  // namespace toll
