#include "metering/counters/memory.h"

#include <algorithm>
#include <bit>

namespace toll::metering {

namespace {

constexpr std::size_t smallest = 64;

// Leaves `most` entries; returns how many went.
template <class Entries>
std::size_t forget_idlest(Entries& entries, std::size_t most) {
  const auto today = [](const auto& entry) { return entry.windows.counts()[2].used; };
  const auto end = entries.begin() + static_cast<std::ptrdiff_t>(most);
  std::nth_element(entries.begin(), end, entries.end(),
                   [&](const auto& a, const auto& b) { return today(a) > today(b); });
  const auto gone = entries.size() - most;
  entries.erase(end, entries.end());
  return gone;
}

}  // namespace

std::unique_ptr<Counters> memory_counters(MemoryOptions options) {
  return std::make_unique<MemoryCounters>(options);
}

MemoryCounters::MemoryCounters(MemoryOptions options)
    : shard_limit_(std::max(smallest, std::bit_ceil(options.capacity / shard_count))) {
  for (auto& shard : shards_) shard.entries.resize(smallest);
}

Verdict MemoryCounters::decide(const Demand& demand, Time now, bool charges) {
  if (demand.cap) return decide_both(demand, now, charges);
  auto& shard = shard_of(demand.subject);
  std::lock_guard lock(shard.mutex);
  auto& windows = windows_of(shard, demand.subject, now);
  return charges ? windows.charge(demand.limits, now) : windows.peek(demand.limits, now);
}

Verdict MemoryCounters::decide_both(const Demand& demand, Time now, bool charges) {
  auto& first = shard_of(demand.subject);
  auto& second = shard_of(demand.cap->subject);
  std::unique_lock one(first.mutex, std::defer_lock), two(second.mutex, std::defer_lock);
  if (&first == &second)
    one.lock();
  else
    std::lock(one, two);
  // Copies: making the second subject may move or push out the first.
  auto own = windows_of(first, demand.subject, now);
  auto cap = windows_of(second, demand.cap->subject, now);
  own.move_to(now);
  cap.move_to(now);
  const bool room = own.has_room(demand.limits) && cap.has_room(demand.cap->limits);
  const auto out = charges ? merged(own.take_if(room, demand.limits), cap.take_if(room, demand.cap->limits))
                           : merged(own.verdict(demand.limits, room), cap.verdict(demand.cap->limits, room));
  windows_of(first, demand.subject, now) = own;
  windows_of(second, demand.cap->subject, now) = cap;
  return out;
}

Windows& MemoryCounters::windows_of(Shard& shard, const Subject& subject, Time now) {
  const auto hash = SubjectHash()(subject) / shard_count;
  for (;;) {
    const auto mask = shard.entries.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
      auto& entry = shard.entries[at];
      if (entry.subject == subject) return entry.windows;
      if (entry.subject) continue;
      if (shard.taken * 4 >= shard.entries.size() * 3) break;
      ++shard.taken;
      entry.subject = subject;
      return entry.windows;
    }
    make_room(shard, now);
  }
}

// Forgets whose windows are over; grows if that was not enough. At the bound, when everybody's day is running, the half
// that called least today loses its counts.
void MemoryCounters::make_room(Shard& shard, Time now) {
  std::vector<Entry> kept;
  kept.reserve(shard.taken);
  for (const auto& entry : shard.entries)
    if (entry.subject && !entry.windows.over(now)) kept.push_back(entry);
  auto size = shard.entries.size();
  if (kept.size() * 2 > size) {
    if (size < shard_limit_)
      size *= 2;
    else
      forgotten_ += forget_idlest(kept, size / 2);
  }
  shard.entries.assign(size, {});
  shard.taken = kept.size();
  for (const auto& entry : kept) {
    auto at = SubjectHash()(entry.subject) / shard_count & (size - 1);
    while (shard.entries[at].subject) at = (at + 1) & (size - 1);
    shard.entries[at] = entry;
  }
}

void MemoryCounters::learn(const Subject& subject, const Windows::Counts& counts) {
  auto& shard = shard_of(subject);
  std::lock_guard lock(shard.mutex);
  windows_of(shard, subject, from_micros(counts[0].number * 60'000'000)).learn(counts);
}

Windows::Counts MemoryCounters::counts_at(const Subject& subject, Time now) {
  auto& shard = shard_of(subject);
  std::lock_guard lock(shard.mutex);
  auto& windows = windows_of(shard, subject, now);
  windows.move_to(now);
  return windows.counts();
}

void MemoryCounters::preload(std::span<const Known> known) {
  for (const auto& [subject, counts] : known) learn(subject, counts);
}

Counters::State MemoryCounters::state() const {
  State out;
  for (const auto& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    out.subjects += shard.taken;
  }
  out.forgotten = forgotten_;
  return out;
}

}  // namespace toll::metering
