// Counts that several processes share in Redis. I/O threads leave their calls in a queue; one thread sends what waits
// in one round trip and answers. What Redis said is kept in a memory of our own, from which we go on when it is silent,
// and which Redis is told with every call, so that a Redis that comes back empty forgets nothing this process knows.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "metering/counters.h"
#include "metering/counters/memory.h"
#include "metering/counters/redis_link.h"

namespace toll::metering {

class RedisCounters final : public Counters {
 public:
  // Waits for the first attempt to connect, at most a second.
  explicit RedisCounters(RedisOptions options);
  ~RedisCounters() override;

  std::optional<Verdict> charge_now(const Demand& demand, Time now) override;
  void charge(const Demand& demand, Time now, Answer answer) override { ask(demand, now, true, std::move(answer)); }
  std::optional<Verdict> peek_now(const Demand& demand, Time now) override;
  void peek(const Demand& demand, Time now, Answer answer) override { ask(demand, now, false, std::move(answer)); }
  void preload(std::span<const Known> known) override { own_.preload(known); }
  State state() const override;

 private:
  struct Waiting {
    Demand demand;
    CountingCall call;
    Answer answer;
    std::chrono::steady_clock::time_point deadline;
  };
  static constexpr std::size_t most_a_trip = 256;

  void ask(const Demand& demand, Time now, bool charges, Answer answer);
  Verdict alone(const Demand& demand, Time now, bool charges);
  void run(std::stop_token stop);
  void serve(RedisLink& link, std::stop_token stop);
  std::vector<Waiting> next_trip(std::stop_token stop);
  void answer_from(const std::vector<CountingAnswer>& answers, std::vector<Waiting>& trip);
  void go_down(const char* cause);
  void go_up();
  void answer_alone(std::deque<Waiting> waiting);

  const RedisOptions options_;
  const RedisAddress address_;
  MemoryCounters own_;
  std::atomic<bool> up_{false};
  std::atomic<std::uint64_t> outages_{0}, local_{0};

  std::mutex mutex_;
  std::condition_variable_any wake_, tried_;
  std::deque<Waiting> waiting_;
  bool first_try_over_ = false;
  bool told_ = false;  // of the present outage
  std::jthread thread_;
};

}  // namespace toll::metering
