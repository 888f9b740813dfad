#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "sql/postgres/connection.h"

namespace toll::sql::postgres {

// A connection that comes back. After a failed attempt the next ones fail at once for a while (0.1 s, doubling to 5 s),
// so that callers hear of a lost database quickly and the database is not stormed when it returns. One thread.
class Lane {
 public:
  Lane(std::string url, std::chrono::milliseconds timeout) : url_(std::move(url)), timeout_(timeout) {}

  // Throws Error.
  Connection& get();

 private:
  static constexpr std::chrono::milliseconds first_pause{100}, longest_pause{5000};
  const std::string url_;
  const std::chrono::milliseconds timeout_;
  std::unique_ptr<Connection> connection_;
  std::chrono::milliseconds pause_ = first_pause;
  std::chrono::steady_clock::time_point not_before_;
  std::string last_error_;
};

}  // namespace toll::sql::postgres
