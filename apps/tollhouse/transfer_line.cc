#include "tollhouse/transfer_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace toll::app {

namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds between_drawings{0.1}, between_lines{10}, between_measures{0.5};
constexpr double weight_of_the_newest = 0.3;

std::string speed_text(double bytes_a_second) {
  return human_bytes(static_cast<std::size_t>(bytes_a_second)) + "/s";
}

}  // namespace

TransferLine::TransferLine(const Console& console, std::string label, Instant begun)
    : console_(console), label_(std::move(label)), begun_(begun), shown_(begun), measured_(begun) {}

TransferLine::~TransferLine() {
  clear();
}

void TransferLine::clear() {
  if (drawn_) console_.err << "\r\033[K" << std::flush;
  drawn_ = false;
}

void TransferLine::measure(std::uint64_t done, Instant now) {
  // What was here before, and what is thrown away, says nothing of the speed.
  if (first_ || done < done_) measured_done_ = done;
  if (!first_ && done > done_) came_ += done - done_;
  first_ = false;
  done_ = done;
  const Seconds passed = now - measured_;
  if (passed < between_measures) return;
  const double newest = static_cast<double>(done - measured_done_) / passed.count();
  speed_ = speed_ == 0 ? newest : speed_ + weight_of_the_newest * (newest - speed_);
  measured_ = now;
  measured_done_ = done;
}

std::string TransferLine::text(std::optional<std::uint64_t> all) const {
  auto out = fmt::format("{}: {}", label_, human_bytes(done_));
  if (all && *all > 0)
    out += fmt::format(" of {}, {} %", human_bytes(*all), std::min<std::uint64_t>(100, done_ * 100 / *all));
  if (speed_ >= 1) out += ", " + speed_text(speed_);
  if (speed_ >= 1 && all && *all > done_)
    out += fmt::format(", {:.0f} s left", static_cast<double>(*all - done_) / speed_);
  return out;
}

void TransferLine::show(std::uint64_t done, std::optional<std::uint64_t> all, Instant now) {
  measure(done, now);
  if (quiet() || now - shown_ < (console_.terminal ? between_drawings : between_lines)) return;
  shown_ = now;
  if (console_.terminal)
    console_.err << "\r\033[K" << text(all) << std::flush;
  else
    console_.err << text(all) << std::endl;
  drawn_ = console_.terminal;
}

void TransferLine::note(std::string_view what) {
  if (quiet()) return;
  clear();
  console_.err << label_ << ": " << what << std::endl;
}

void TransferLine::finish(Instant now) {
  const Seconds passed = now - begun_;
  const double speed = static_cast<double>(came_) / std::max(passed.count(), 1e-3);
  note(fmt::format("{} came in {:.1f} s, {}", human_bytes(came_), passed.count(), speed_text(speed)));
}

}  // namespace toll::app
