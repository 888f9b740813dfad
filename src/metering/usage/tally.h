// What happened in some span of time: calls by endpoint and status, and how long they took. Tallies add up, so a day is
// the sum of its hours and no sum can disagree with another.
//
// Durations go into bins: one a microsecond up to 64, then 32 to each doubling, so that the middle of a bin is within
// 1/64 (1.6 %) of every value in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace toll::metering {

std::uint16_t duration_bin(Micros duration);
// In microseconds.
double middle_of_bin(std::uint16_t bin);

struct Tally {
  struct Outcome {
    std::uint32_t endpoint = 0;
    std::uint16_t status = 0;
    std::int64_t calls = 0;
  };
  struct Bin {
    std::uint16_t number = 0;
    std::int64_t calls = 0;
  };
  std::int64_t charged = 0;  // calls that took a unit of the rate limits
  std::int64_t micros = 0;   // spent in all calls
  std::vector<Outcome> outcomes;
  std::vector<Bin> durations;  // ascending

  void add(std::uint32_t endpoint, int status, Micros duration, bool was_charged);
  void add(const Tally& other);
  std::int64_t calls() const;
  // Nearest rank, in microseconds; 0 without calls. p in (0, 1].
  double percentile(double p) const;

  // Everything but `charged`, some 10 bytes for a single call. endpoints[i] is written for endpoint i.
  std::string encode(const std::vector<std::uint32_t>& endpoints) const;
  // Adds what encode() wrote. Throws std::runtime_error on anything else.
  void add_encoded(std::string_view bytes);
};

}  // namespace toll::metering
