#include "sql/postgres/lane.h"

#include <algorithm>

#include "base/log.h"

namespace toll::sql::postgres {

Connection& Lane::get() {
  if (connection_ && connection_->alive()) return *connection_;
  const auto now = std::chrono::steady_clock::now();
  if (now < not_before_) throw Error(last_error_);
  try {
    connection_ = std::make_unique<Connection>(url_, timeout_);
  } catch (const Error& error) {
    last_error_ = error.what();
    not_before_ = now + pause_;
    pause_ = std::min(pause_ * 2, longest_pause);
    log::warn("sql.unreachable", {{"cause", error.what()}});
    throw;
  }
  pause_ = first_pause;
  return *connection_;
}

}  // namespace toll::sql::postgres
