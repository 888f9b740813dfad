// How far a transfer is, on standard error: on a terminal one line that is drawn in place, elsewhere a line now and
// then, for programs (--format json) nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tollhouse/console.h"

namespace toll::app {

class TransferLine {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  TransferLine(const Console& console, std::string label, Instant begun);
  ~TransferLine();  // takes the drawn line away
  TransferLine(const TransferLine&) = delete;

  // `done` bytes of `all` are here; the first call tells how many were here before.
  void show(std::uint64_t done, std::optional<std::uint64_t> all, Instant now);
  // A line of its own.
  void note(std::string_view what);
  // How much came, how long it took, and how fast that was.
  void finish(Instant now);

 private:
  bool quiet() const { return console_.format == Format::json; }
  void clear();
  void measure(std::uint64_t done, Instant now);
  std::string text(std::optional<std::uint64_t> all) const;

  const Console& console_;
  const std::string label_;
  const Instant begun_;
  Instant shown_, measured_;
  std::uint64_t done_ = 0, measured_done_ = 0, came_ = 0;
  double speed_ = 0;  // bytes a second, smoothed
  bool first_ = true, drawn_ = false;
};

}  // namespace toll::app
