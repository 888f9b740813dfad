// The gate's state machines under random calls, clock jumps and crashes: the windows of the rate limits, the blocks of
// quotas, the cache of credentials. One world a core, all from one seed; a broken promise prints the seed.
//
//   TOLL_SIM_OPS   the scale of all simulations; here 400 times as many operations, since one takes nanoseconds
//   TOLL_SIM_SEED  the printed one, to see it again
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "identity/credential_cache.h"
#include "metering/limits.h"
#include "metering/quota.h"

namespace toll::metering {
namespace {

using namespace std::chrono_literals;

std::int64_t from_environment(const char* name, std::int64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoll(text) : otherwise;
}

// SplitMix64 (Steele, Lea, Flood 2014): a few instructions a number.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    auto z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return static_cast<std::uint64_t>((next() >> 32) * bound >> 32); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

struct Broken {
  std::string promise;
};
void keep(bool promise, const char* name) {
  if (!promise) throw Broken{name};
}

// A key's calls, counted the simple way: how often each window let a call through since it began. A window begins when
// the clock passes a boundary for the first time; a jump back over more than one window moves it without a fresh start.
class WindowsWorld {
 public:
  explicit WindowsWorld(Chance chance) : chance_(chance) {
    for (auto& key : keys_) key = fresh_key();
  }

  void step() {
    move_clock();
    auto& key = keys_[chance_.below(keys_.size())];
    if (chance_.one_in(4096)) return crash(key);
    if (chance_.one_in(512)) key.saved = key.windows.counts(), key.unsaved = 0;
    if (chance_.one_in(8192)) key.limits = any_limits();
    if (chance_.one_in(16)) return peek(key);
    charge(key);
  }

 private:
  struct Passed {
    std::int64_t number = 0, calls = 0, lost = 0;  // of the window that is running; calls that a crash forgot
    std::int64_t most = 0;                         // the highest limit since it began
  };
  struct Key {
    Windows windows;
    Limits limits;
    std::array<Passed, 3> passed;
    Windows::Counts saved{};   // what the request log holds
    std::int64_t unsaved = 0;  // admitted since
  };

  Limits any_limits() {
    return {static_cast<std::int64_t>(chance_.below(40)), static_cast<std::int64_t>(1 + chance_.below(200)),
            static_cast<std::int64_t>(1 + chance_.below(2000))};
  }
  Key fresh_key() {
    Key key;
    key.limits = any_limits();
    return key;
  }

  void move_clock() {
    const auto dice = chance_.below(1 << 16);
    if (dice < 4)
      now_ += std::chrono::hours(chance_.below(24 * 40));
    else if (dice < 8)
      now_ -= std::chrono::hours(chance_.below(24 * 40));
    else if (dice < 64)
      now_ -= std::chrono::seconds(chance_.below(90));
    else
      now_ += Micros(chance_.below(1'000'000));
    if (now_ < Time(1'000'000'000s)) now_ = Time(1'750'000'000s);
  }

  void follow(Key& key) {
    for (auto window : all_windows) {
      auto& passed = key.passed[static_cast<std::size_t>(window)];
      const auto number = now_.time_since_epoch() / Micros(length_of(window));
      if (number > passed.number)
        passed = {number, 0, 0, key.limits.of(window)};
      else if (number < passed.number - 1)
        passed.number = number;
      passed.most = std::max(passed.most, key.limits.of(window));
    }
  }

  void charge(Key& key) {
    follow(key);
    const auto before = key.windows;
    const auto verdict = key.windows.charge(key.limits, now_);
    keep(before.peek(key.limits, now_).admitted == verdict.admitted, "a peek foretells the charge");
    check_verdict(key, verdict);
    if (!verdict.admitted) return;
    ++key.unsaved;
    for (auto& passed : key.passed) {
      ++passed.calls;
      keep(passed.calls <= passed.most + passed.lost, "no window lets more through than its limit");
    }
  }

  void check_verdict(const Key& key, const Verdict& verdict) {
    bool full = false;
    for (auto window : all_windows) {
      const auto& part = verdict.of(window);
      const auto used = key.windows.counts()[static_cast<std::size_t>(window)].used;
      keep(part.remaining == std::max<std::int64_t>(part.limit - used, 0), "remaining is what is left");
      keep(part.reset > now_ && part.reset <= now_ + 2 * length_of(window), "a window ends within two lengths");
      full = full || used >= part.limit;
    }
    keep(verdict.admitted || full, "nobody is refused while all windows have room");
    if (!verdict.admitted) keep(verdict.of(verdict.shown()).remaining == 0, "a refusal shows an exhausted window");
  }

  void peek(Key& key) {
    const auto before = key.windows.counts();
    (void)key.windows.peek(key.limits, now_);
    keep(key.windows.counts() == before, "a peek changes nothing");
  }

  // The counts of the log are what is left; what was not in it yet may be used again.
  void crash(Key& key) {
    key.windows = {};
    key.windows.learn(key.saved);
    for (auto& passed : key.passed) passed.lost += key.unsaved;
    key.unsaved = 0;
  }

  Chance chance_;
  Time now_{1'750'000'000s};
  std::array<Key, 32> keys_;
};

// One counter in a database, some processes that hold blocks of it.
class QuotaWorld {
 public:
  explicit QuotaWorld(Chance chance) : chance_(chance) { begin(); }

  void step() {
    auto& process = processes_[chance_.below(processes_.size())];
    const auto dice = chance_.below(1 << 14);
    if (dice == 0) return begin();
    if (dice < 8) return crash(process);
    if (dice < 16) return stop(process);
    if (dice < 24) {
      limit_ = std::max<std::int64_t>(limit_ + static_cast<std::int64_t>(chance_.below(200)) - 90, 0);
      ceiling_ = std::max(limit_, reserved_);
    }
    spend(process, 1 + static_cast<std::int64_t>(chance_.below(3)));
  }

 private:
  static constexpr std::int64_t block = 64;

  void begin() {
    limit_ = ceiling_ = static_cast<std::int64_t>(chance_.below(5000));
    reserved_ = spent_ = lost_ = 0;
    processes_ = {};
  }

  void spend(QuotaBlock& process, std::int64_t units) {
    if (!process.spend(units, limit_)) {
      const auto wanted = QuotaBlock::wanted(units, limit_, reserved_, block);
      const auto granted = std::clamp<std::int64_t>(limit_ - reserved_, 0, wanted);
      reserved_ += granted;
      process.granted(granted, reserved_);
      if (!process.spend(units, limit_)) return check();
    }
    spent_ += units;
    keep(spent_ <= ceiling_, "nothing is spent beyond the limit, or what was granted before it was lowered");
    check();
  }

  void crash(QuotaBlock& process) {
    keep(process.left() < block + 3, "a crash loses at most a block");
    lost_ += process.left();
    process = {};
    check();
  }

  void stop(QuotaBlock& process) {
    reserved_ -= process.give_back();
    check();
  }

  void check() const {
    std::int64_t held = 0;
    for (const auto& process : processes_) held += process.left();
    keep(spent_ + lost_ + held == reserved_, "every reserved unit is spent, held or lost");
    keep(reserved_ <= ceiling_, "the database gives no more than the limit");
  }

  Chance chance_;
  std::int64_t limit_ = 0, ceiling_ = 0, reserved_ = 0, spent_ = 0, lost_ = 0;
  std::array<QuotaBlock, 3> processes_;
};

// The real cache before a database of accounts that are shut and opened, here and by other processes, while look-ups
// are under way.
class CacheWorld {
 public:
  explicit CacheWorld(Chance chance) : chance_(chance) {
    for (std::size_t i = 0; i < accounts_.size(); ++i) accounts_[i].principal = principal_of(i);
  }

  void step() {
    clock_.advance(Micros(chance_.below(20'000)));
    if (chance_.one_in(1024)) jump_back();
    const auto which = chance_.below(accounts_.size());
    auto& account = accounts_[which];
    const auto dice = chance_.below(256);
    if (dice < 4) {
      change(account, chance_.one_in(2));
      cache_.forget(AccountId(static_cast<std::int64_t>(which)));
      account.shut_here = !account.open;
    } else if (dice < 8) {
      change(account, chance_.one_in(2));
    } else if (dice < 60) {
      finish_a_look_up();
    } else {
      use(which);
    }
  }

 private:
  struct Account {
    identity::PrincipalPtr principal;
    bool open = true;
    bool shut_here = false;  // by this process, and not opened since
    Time shut_at;
    Time expires_at = Time::max();
  };
  struct LookUp {
    std::size_t account;
    std::uint64_t epoch;
    bool open;
    Time expires_at;
    Time read_at;
  };

  static identity::PrincipalPtr principal_of(std::size_t which) {
    identity::Principal principal;
    principal.account = AccountId(static_cast<std::int64_t>(which));
    return std::make_shared<const identity::Principal>(std::move(principal));
  }
  static identity::CredentialCache::Tag tag_of(std::size_t which) { return {which * 7919, which}; }

  // What was shut before the jump has been shut since long.
  void jump_back() {
    clock_.advance(-Micros(chance_.below(chance_.one_in(2) ? 1'000'000 : 5'000'000'000)));
    look_ups_.clear();
    jumped_at_ = clock_.now();
    for (auto& account : accounts_) account.shut_at = std::min(account.shut_at, clock_.now());
  }

  void change(Account& account, bool open) {
    if (account.open && !open) account.shut_at = clock_.now();
    account.open = open;
    if (open) account.shut_here = false;
    account.expires_at = chance_.one_in(4) ? clock_.now() + Micros(chance_.below(2'000'000)) : Time::max();
  }

  void use(std::size_t which) {
    const auto& account = accounts_[which];
    if (const auto known = cache_.find(tag_of(which))) {
      keep(known->account.value() == static_cast<std::int64_t>(which), "nobody is taken for another");
      keep(account.open || !account.shut_here, "what this process shut is shut at once");
      // A clock that went back a little lets an entry live that much longer where nobody looked meanwhile.
      const auto patience = clock_.now() - jumped_at_ <= 2s ? 2s : 1s;
      keep(account.open || clock_.now() - account.shut_at <= patience,
           "what another process shut is shut within a second");
      return;
    }
    if (look_ups_.size() < 8)
      look_ups_.push_back({which, cache_.epoch(), account.open, account.expires_at, clock_.now()});
  }

  void finish_a_look_up() {
    if (look_ups_.empty()) return;
    const auto at = chance_.below(look_ups_.size());
    const auto seen = look_ups_[at];
    look_ups_.erase(look_ups_.begin() + static_cast<std::ptrdiff_t>(at));
    if (!seen.open || seen.expires_at <= clock_.now()) return;
    const auto expiry = seen.expires_at == Time::max() ? std::nullopt : std::optional(seen.expires_at);
    cache_.keep(tag_of(seen.account), accounts_[seen.account].principal, expiry, seen.epoch, seen.read_at);
  }

  Chance chance_;
  TestClock clock_;
  Time jumped_at_;
  identity::CredentialCache cache_{clock_};
  std::array<Account, 24> accounts_;
  std::vector<LookUp> look_ups_;
};

template <class World>
void simulate(const char* name, std::int64_t operations) {
  const auto seed = static_cast<std::uint64_t>(from_environment("TOLL_SIM_SEED", 0));
  const auto first = seed != 0 ? seed : std::random_device()() + std::uint64_t{1};
  const auto workers = seed != 0 ? 1u : std::max(1u, std::thread::hardware_concurrency());
  std::cout << "  " << name << ": " << operations << " operations, seeds " << first << " to " << first + workers - 1
            << '\n';
  std::atomic<bool> stop{false};
  std::vector<std::jthread> crowd;
  for (unsigned w = 0; w < workers; ++w)
    crowd.emplace_back([&, w] {
      std::int64_t done = 0;
      try {
        World world{Chance(first + w)};
        for (; done < operations / workers && !stop.load(std::memory_order_relaxed); ++done) world.step();
      } catch (const Broken& broken) {
        stop = true;
        ADD_FAILURE() << name << ": after " << done << " operations it does not hold that " << broken.promise
                      << ". See it again with TOLL_SIM_SEED=" << first + w;
      }
    });
}

const std::int64_t scale = from_environment("TOLL_SIM_OPS", 5'000) * 400;

TEST(GateSimulation, no_window_ever_lets_more_through_than_its_limit) {
  simulate<WindowsWorld>("windows", scale * 6 / 10);
}

TEST(GateSimulation, no_quota_is_ever_overspent_and_a_crash_loses_a_block) {
  simulate<QuotaWorld>("quotas", scale * 3 / 10);
}

TEST(GateSimulation, a_key_that_was_shut_opens_nothing) {
  simulate<CacheWorld>("key cache", scale / 10);
}

}  // namespace
}  // namespace toll::metering
