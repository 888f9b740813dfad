// The counts of this process: open addressing in shards, each with a mutex that is held for some tens of nanoseconds.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <vector>

#include "metering/counters.h"

namespace toll::metering {

class MemoryCounters final : public Counters {
 public:
  explicit MemoryCounters(MemoryOptions options);

  std::optional<Verdict> charge_now(const Demand& demand, Time now) override { return decide(demand, now, true); }
  void charge(const Demand& demand, Time now, Answer answer) override { answer(decide(demand, now, true)); }
  std::optional<Verdict> peek_now(const Demand& demand, Time now) override { return decide(demand, now, false); }
  void peek(const Demand& demand, Time now, Answer answer) override { answer(decide(demand, now, false)); }
  void preload(std::span<const Known> known) override;
  State state() const override;

  // Takes over what another holder of counts has counted for this subject.
  void learn(const Subject& subject, const Windows::Counts& counts);
  Windows::Counts counts_at(const Subject& subject, Time now);

 private:
  struct Entry {
    Subject subject;  // none: the place is free
    Windows windows;
  };
  static_assert(sizeof(Entry) <= 64);

  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::vector<Entry> entries;  // a power of two; at most three quarters are taken
    std::size_t taken = 0;
  };
  static constexpr std::size_t shard_count = 64;

  Verdict decide(const Demand& demand, Time now, bool charges);
  Verdict decide_both(const Demand& demand, Time now, bool charges);
  Shard& shard_of(const Subject& subject) { return shards_[SubjectHash()(subject) % shard_count]; }
  // The subject's windows, made if need be. Valid until the next call on the shard.
  Windows& windows_of(Shard& shard, const Subject& subject, Time now);
  void make_room(Shard& shard, Time now);

  const std::size_t shard_limit_;
  std::array<Shard, shard_count> shards_;
  std::atomic<std::uint64_t> forgotten_{0};
};

}  // namespace toll::metering
