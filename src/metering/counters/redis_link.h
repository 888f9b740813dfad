// One connection to Redis that runs the counting script for many callers in one round trip. Used by one thread.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "metering/counters/redis_url.h"
#include "metering/limits.h"
#include "metering/subject.h"

struct redisContext;
struct redisReply;

namespace toll::metering {

struct RedisLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What the script is asked about one subject.
struct CountedSubject {
  Subject subject;
  Limits limits;
  Windows::Counts floor;  // what this process knows was used: an emptied Redis does not forget it
};

struct CountingCall {
  bool charges = true;
  Time now;
  std::vector<CountedSubject> subjects;  // one or two; all are charged or none
};

struct CountingAnswer {
  bool admitted = false;
  std::vector<Windows::Counts> counts;  // afterwards, one a subject
};

class RedisLink {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  // Connects, logs in, loads the script and counts once, so that a Redis that takes no writes is none. A second for
  // each of these at most. Throws RedisLost.
  RedisLink(const RedisAddress& address, std::string prefix);
  ~RedisLink();

  // Answers in the order of the calls. Throws RedisLost when they are not all there by the deadline: the link is of no
  // more use then, and what was sent may have been counted or not.
  std::vector<CountingAnswer> run(std::span<const CountingCall* const> calls, Deadline deadline);
  // SCRIPT FLUSH, as an operator may do.
  void flush_scripts() { command({"SCRIPT", "FLUSH"}); }

 private:
  struct Free {
    void operator()(redisContext* context) const;
    void operator()(redisReply* reply) const;
  };
  using Reply = std::unique_ptr<redisReply, Free>;

  [[noreturn]] void lost(const char* what) const;
  Reply command(const std::vector<std::string>& words);
  void append(const CountingCall& call, bool by_text);
  void send(Deadline deadline);
  Reply receive(Deadline deadline);
  void wait(short events, Deadline deadline);

  const std::string prefix_;
  std::unique_ptr<redisContext, Free> context_;
  std::string script_sha_;
};

}  // namespace toll::metering
