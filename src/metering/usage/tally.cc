#include "metering/usage/tally.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

namespace toll::metering {

namespace {

constexpr char version = 1;
constexpr int steps_log2 = 5;  // 32 bins a doubling
constexpr std::uint64_t exact = 2u << steps_log2;
constexpr std::int64_t longest = std::int64_t{1} << 42;  // 51 days

// LEB128
void put(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

std::uint64_t take(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) break;
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw std::runtime_error("a usage tally is damaged");
}

}  // namespace

std::uint16_t duration_bin(Micros duration) {
  const auto value = static_cast<std::uint64_t>(std::clamp<std::int64_t>(duration.count(), 0, longest));
  if (value < exact) return static_cast<std::uint16_t>(value);
  const int shift = std::bit_width(value) - steps_log2 - 1;
  return static_cast<std::uint16_t>((static_cast<std::uint64_t>(shift) << steps_log2) + (value >> shift));
}

double middle_of_bin(std::uint16_t bin) {
  if (bin < exact) return bin;
  const int shift = (bin >> steps_log2) - 1;
  const auto first = std::uint64_t{bin - (static_cast<unsigned>(shift) << steps_log2)} << shift;
  return static_cast<double>(first) + static_cast<double>((std::uint64_t{1} << shift) - 1) / 2;
}

namespace {

void count(std::vector<Tally::Outcome>& outcomes, std::uint32_t endpoint, std::uint16_t status, std::int64_t calls) {
  for (auto& outcome : outcomes)
    if (outcome.endpoint == endpoint && outcome.status == status) {
      outcome.calls += calls;
      return;
    }
  outcomes.push_back({endpoint, status, calls});
}

void count(std::vector<Tally::Bin>& bins, std::uint16_t number, std::int64_t calls) {
  auto at = std::lower_bound(bins.begin(), bins.end(), number,
                             [](const Tally::Bin& bin, std::uint16_t wanted) { return bin.number < wanted; });
  if (at == bins.end() || at->number != number) at = bins.insert(at, {number, 0});
  at->calls += calls;
}

}  // namespace

void Tally::add(std::uint32_t endpoint, int status, Micros duration, bool was_charged) {
  charged += was_charged;
  micros += std::max<std::int64_t>(duration.count(), 0);
  count(outcomes, endpoint, static_cast<std::uint16_t>(status), 1);
  count(durations, duration_bin(duration), 1);
}

void Tally::add(const Tally& other) {
  charged += other.charged;
  micros += other.micros;
  for (const auto& outcome : other.outcomes) count(outcomes, outcome.endpoint, outcome.status, outcome.calls);
  for (const auto& bin : other.durations) count(durations, bin.number, bin.calls);
}

std::int64_t Tally::calls() const {
  std::int64_t sum = 0;
  for (const auto& outcome : outcomes) sum += outcome.calls;
  return sum;
}

double Tally::percentile(double p) const {
  const auto rank = static_cast<std::int64_t>(std::ceil(p * static_cast<double>(calls())));
  std::int64_t seen = 0;
  for (const auto& bin : durations)
    if ((seen += bin.calls) >= rank) return middle_of_bin(bin.number);
  return 0;
}

std::string Tally::encode(const std::vector<std::uint32_t>& endpoints) const {
  std::string out(1, version);
  put(out, static_cast<std::uint64_t>(micros));
  put(out, outcomes.size());
  for (const auto& outcome : outcomes) {
    put(out, endpoints.at(outcome.endpoint));
    put(out, outcome.status);
    put(out, static_cast<std::uint64_t>(outcome.calls));
  }
  std::uint16_t last = 0;
  for (const auto& bin : durations) {
    put(out, static_cast<std::uint64_t>(bin.number - last));
    put(out, static_cast<std::uint64_t>(bin.calls));
    last = bin.number;
  }
  return out;
}

void Tally::add_encoded(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != version) throw std::runtime_error("a usage tally is of another version");
  bytes.remove_prefix(1);
  micros += static_cast<std::int64_t>(take(bytes));
  for (auto left = take(bytes); left > 0; --left) {
    const auto endpoint = static_cast<std::uint32_t>(take(bytes));
    const auto status = static_cast<std::uint16_t>(take(bytes));
    count(outcomes, endpoint, status, static_cast<std::int64_t>(take(bytes)));
  }
  std::uint64_t number = 0;
  while (!bytes.empty()) {
    number += take(bytes);
    count(durations, static_cast<std::uint16_t>(number), static_cast<std::int64_t>(take(bytes)));
  }
}

}  // namespace toll::metering
