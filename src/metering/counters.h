// Who has called how often: the seam behind which the counts of all rate limits live. In this process's memory, or
// shared by several through Redis. One suite runs on both: tests/counters_suite.h.
//
//   Verdict verdict;
//   if (auto now_known = counters.charge_now(demand, now))
//     verdict = *now_known;
//   else
//     verdict = co_await async::resume_when<Verdict>([&](auto done) {
//       auto answer = std::make_shared<decltype(done)>(std::move(done));
//       counters.charge(demand, now, [answer](const Verdict& v) { (*answer)(nullptr, v); });
//     });
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "metering/limits.h"
#include "metering/subject.h"

namespace toll::metering {

struct Demand {
  Subject subject;
  Limits limits;
  // A second subject that must admit the call too (the account-wide cap). Both are charged, or neither.
  struct Cap {
    Subject subject;
    Limits limits;
  };
  std::optional<Cap> cap;
};

// Thread-safe. `now` is the caller's UTC clock.
class Counters {
 public:
  using Answer = std::function<void(const Verdict&)>;
  virtual ~Counters() = default;

  // Checks and charges in one step. For I/O threads: never waits. nullopt: nothing has been done, call charge().
  virtual std::optional<Verdict> charge_now(const Demand& demand, Time now) = 0;
  // Calls `answer` once, at once or later on a thread of the counters' own, at the latest after the implementation's
  // patience (Redis: 50 ms). It must be short and must not throw. With a cap the verdict is merged().
  virtual void charge(const Demand& demand, Time now, Answer answer) = 0;

  // What a call would get now, charged to nobody: for answers to calls that do not count.
  virtual std::optional<Verdict> peek_now(const Demand& demand, Time now) = 0;
  virtual void peek(const Demand& demand, Time now, Answer answer) = 0;

  // What the request log says was used in the current windows (usage.h): raises counts, never lowers them. Blocking; at
  // the start.
  struct Known {
    Subject subject;
    Windows::Counts counts;
  };
  virtual void preload(std::span<const Known> known) = 0;

  struct State {
    bool shared = false;          // counts are shared between processes
    bool down = false;            // they should be, but the other side is silent: own counts are used, or calls refused
    std::uint64_t outages = 0;    // times that it became silent
    std::uint64_t local = 0;      // calls decided without the other side since the start
    std::uint64_t subjects = 0;   // in memory
    std::uint64_t forgotten = 0;  // subjects dropped from a full memory while a window was still running
  };
  virtual State state() const = 0;
};

struct MemoryOptions {
  std::size_t capacity = std::size_t{1} << 20;  // subjects, 64 bytes each; taken as they come
};
std::unique_ptr<Counters> memory_counters(MemoryOptions options = {});

struct RedisOptions {
  std::string url;  // redis://[user:password@]host[:port][/database] or unix:///path
  // What happens when Redis is silent: this process's own counts, or every call refused as unavailable.
  enum class Down : std::uint8_t { degrade, refuse } down = Down::degrade;
  std::chrono::milliseconds patience{50};
  std::string prefix = "toll:";  // of every key
  MemoryOptions memory;          // for the counts of its own
};
// Connects in the background, at once and again whenever the connection is lost. Throws std::invalid_argument on a URL
// that is not one.
std::unique_ptr<Counters> redis_counters(RedisOptions options);

}  // namespace toll::metering
