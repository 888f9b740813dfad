// Ten failed logins for one email (as typed, without case) and client address within 15 minutes; then no more until the
// oldest is that old.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace toll::identity {

// In memory and exact: attempts under way count as failures until they end. Thread-safe. Bounded: the longest unused
// pair is forgotten beyond `capacity`, which is more than the password hash lets anyone try within the window.
class LoginThrottle {
 public:
  struct Options {
    std::size_t failures = 10;
    Micros window = std::chrono::minutes(15);
    std::size_t capacity = 100'000;
  };
  explicit LoginThrottle(const Clock& clock) : LoginThrottle(clock, Options()) {}
  LoginThrottle(const Clock& clock, Options options) : clock_(clock), options_(options) {}

  // One login under way. Unless passed() is called, its destructor counts a failure.
  class Attempt {
   public:
    Attempt(Attempt&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), who_(std::move(other.who_)) {}
    Attempt& operator=(Attempt&&) = delete;
    ~Attempt();
    void passed();

   private:
    friend class LoginThrottle;
    using Who = std::pair<std::string, std::string>;
    Attempt(LoginThrottle* owner, Who who) : owner_(owner), who_(std::move(who)) {}
    LoginThrottle* owner_;
    Who who_;
  };

  // Faults: too_many_logins with retry_after.
  Result<Attempt> begin(std::string_view email, std::string_view address);

 private:
  using Who = std::pair<std::string, std::string>;
  struct Record {
    std::deque<Time> failures;
    std::size_t under_way = 0;
    Time touched;
  };
  void end(const Who& who, bool failed);
  void make_room();

  const Clock& clock_;
  const Options options_;
  std::mutex mutex_;
  std::map<Who, Record> records_;
};

}  // namespace toll::identity
