#include "base/clock.h"

#include <fmt/chrono.h>

namespace toll {

namespace {
std::tm utc(Time time) {
  return fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time)));
}
}  // namespace

std::string iso_seconds(Time time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}", utc(time));
}

std::string iso_micros(Time time) {
  auto whole = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", utc(time), (time - whole).count());
}

std::string http_date(Time time) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", utc(time));
}

}  // namespace toll
