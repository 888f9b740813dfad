#include "metering/counters/redis.h"

#include <algorithm>
#include <csignal>

#include "base/log.h"

namespace toll::metering {

namespace {

using Steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto first_pause = 50ms;
constexpr auto longest_pause = 2s;

Verdict verdict_of(const CountedSubject& counted, const Windows::Counts& counts, bool admitted, bool charged) {
  Windows windows;
  windows.learn(counts);
  auto out = windows.verdict(counted.limits, admitted);
  for (std::size_t i = 0; charged && i < out.parts.size(); ++i)
    if (out.parts[i].remaining == 0) out.just_reached |= static_cast<std::uint8_t>(1u << i);
  return out;
}

}  // namespace

std::unique_ptr<Counters> redis_counters(RedisOptions options) {
  return std::make_unique<RedisCounters>(std::move(options));
}

RedisCounters::RedisCounters(RedisOptions options)
    : options_(std::move(options)), address_(parse_redis_url(options_.url)), own_(options_.memory) {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
  std::unique_lock lock(mutex_);
  tried_.wait_for(lock, 1s, [&] { return first_try_over_; });
}

RedisCounters::~RedisCounters() {
  thread_.request_stop();
  thread_.join();
  answer_alone(std::move(waiting_));
}

std::optional<Verdict> RedisCounters::charge_now(const Demand& demand, Time now) {
  if (up_.load(std::memory_order_relaxed)) return std::nullopt;
  return alone(demand, now, true);
}

std::optional<Verdict> RedisCounters::peek_now(const Demand& demand, Time now) {
  if (up_.load(std::memory_order_relaxed)) return std::nullopt;
  return alone(demand, now, false);
}

Verdict RedisCounters::alone(const Demand& demand, Time now, bool charges) {
  ++local_;
  if (options_.down == RedisOptions::Down::refuse) {
    Verdict refused;
    refused.unavailable = true;
    return refused;
  }
  return charges ? *own_.charge_now(demand, now) : *own_.peek_now(demand, now);
}

void RedisCounters::ask(const Demand& demand, Time now, bool charges, Answer answer) {
  CountingCall call{charges, now, {{demand.subject, demand.limits, own_.counts_at(demand.subject, now)}}};
  if (demand.cap)
    call.subjects.push_back({demand.cap->subject, demand.cap->limits, own_.counts_at(demand.cap->subject, now)});
  {
    std::lock_guard lock(mutex_);
    if (up_) {
      waiting_.push_back({demand, std::move(call), std::move(answer), Steady::now() + options_.patience});
      if (waiting_.size() == 1) wake_.notify_one();
      return;
    }
  }
  answer(alone(demand, now, charges));
}

void RedisCounters::run(std::stop_token stop) {
  // A write to a connection that Redis has closed is an error, not a signal.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(first_pause);
  while (!stop.stop_requested()) {
    try {
      RedisLink link(address_, options_.prefix);
      go_up();
      pause = first_pause;
      serve(link, stop);
    } catch (const std::exception& failed) {
      go_down(failed.what());
    }
    std::unique_lock lock(mutex_);
    first_try_over_ = true;
    tried_.notify_all();
    wake_.wait_for(lock, stop, pause, [] { return false; });
    pause = std::min<std::chrono::milliseconds>(pause * 2, longest_pause);
  }
}

void RedisCounters::serve(RedisLink& link, std::stop_token stop) {
  while (!stop.stop_requested()) {
    auto trip = next_trip(stop);
    if (trip.empty()) continue;
    std::vector<const CountingCall*> calls;
    for (const auto& waiting : trip) calls.push_back(&waiting.call);
    try {
      answer_from(link.run(calls, trip.front().deadline), trip);
    } catch (const std::exception&) {
      // First down, so that nobody else waits; then those who did, in their order.
      std::lock_guard lock(mutex_);
      up_ = false;
      waiting_.insert(waiting_.begin(), std::make_move_iterator(trip.begin()), std::make_move_iterator(trip.end()));
      throw;
    }
  }
}

std::vector<RedisCounters::Waiting> RedisCounters::next_trip(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, stop, [&] { return !waiting_.empty(); });
  const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), most_a_trip));
  std::vector<Waiting> trip(std::make_move_iterator(waiting_.begin()),
                            std::make_move_iterator(waiting_.begin() + count));
  waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  return trip;
}

void RedisCounters::answer_from(const std::vector<CountingAnswer>& answers, std::vector<Waiting>& trip) {
  for (std::size_t i = 0; i < trip.size(); ++i) {
    const auto& subjects = trip[i].call.subjects;
    const auto& [admitted, counts] = answers[i];
    const bool charged = admitted && trip[i].call.charges;
    for (std::size_t s = 0; s < subjects.size(); ++s) own_.learn(subjects[s].subject, counts[s]);
    auto verdict = verdict_of(subjects[0], counts[0], admitted, charged);
    if (subjects.size() > 1) verdict = merged(verdict, verdict_of(subjects[1], counts[1], admitted, charged));
    trip[i].answer(verdict);
  }
}

void RedisCounters::go_up() {
  std::lock_guard lock(mutex_);
  up_ = true;
  first_try_over_ = true;
  tried_.notify_all();
  if (told_) log::info("counters.redis_up");
  told_ = false;
}

void RedisCounters::go_down(const char* cause) {
  std::deque<Waiting> waiting;
  {
    std::lock_guard lock(mutex_);
    up_ = false;
    waiting.swap(waiting_);
    if (!told_) {
      ++outages_;
      log::warn("counters.redis_down",
                {{"cause", cause},
                 {"calls_are", options_.down == RedisOptions::Down::refuse ? "refused" : "counted by this process"}});
    }
    told_ = true;
  }
  answer_alone(std::move(waiting));
}

void RedisCounters::answer_alone(std::deque<Waiting> waiting) {
  for (auto& one : waiting) one.answer(alone(one.demand, one.call.now, one.call.charges));
}

Counters::State RedisCounters::state() const {
  auto out = own_.state();
  out.shared = true;
  out.down = !up_;
  out.outages = outages_;
  out.local = local_;
  return out;
}

}  // namespace toll::metering
