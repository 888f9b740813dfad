#include "metering/usage.h"

#include "base/log.h"

namespace toll::metering {

UsageRecorder::UsageRecorder(sql::Database& db, Options options) : db_(db), options_(options) {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

UsageRecorder::~UsageRecorder() {
  thread_.request_stop();
  thread_.join();
}

void UsageRecorder::record(UsageRecord record) {
  std::lock_guard lock(mutex_);
  if (buffer_.size() >= options_.capacity) {
    ++dropped_;
    return;
  }
  buffer_.push_back(std::move(record));
}

std::uint64_t UsageRecorder::dropped() const {
  std::lock_guard lock(mutex_);
  return dropped_;
}

void UsageRecorder::run(std::stop_token stop) {
  do {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, options_.interval, [] { return false; });
    }
    try {
      flush();
    } catch (const std::exception& failed) {
      log::warn("usage.not_written", {{"cause", failed.what()}});
    }
  } while (!stop.stop_requested());
}

void UsageRecorder::flush() {
  std::lock_guard flushing(flushing_);
  std::vector<UsageRecord> group;
  {
    std::lock_guard lock(mutex_);
    group.swap(buffer_);
  }
  if (group.empty()) return;
  try {
    db_.write([&](sql::Tx& tx) {
      for (const auto& row : group)
        tx.exec(
            "INSERT INTO usage_records (account_id, key_id, endpoint, method, status, duration, created_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            row.account, row.key, row.endpoint, row.method, row.status, row.duration.count(), row.at);
      return true;
    });
  } catch (...) {
    std::lock_guard lock(mutex_);
    buffer_.insert(buffer_.begin(), std::make_move_iterator(group.begin()), std::make_move_iterator(group.end()));
    throw;
  }
}

std::vector<UsageRecord> recent_usage(sql::Tx& tx, AccountId account, std::size_t limit) {
  std::vector<UsageRecord> out;
  for (const auto& row : tx.query("SELECT account_id, key_id, endpoint, method, status, duration, created_at "
                                  "FROM usage_records WHERE account_id = $1 ORDER BY id DESC LIMIT $2",
                                  account, limit)) {
    const auto key = row.maybe_text(1);
    out.push_back({.account = AccountId(row.integer(0)),
                   .key = key ? std::optional(KeyId(*key)) : std::nullopt,
                   .endpoint = row.text(2),
                   .method = row.text(3),
                   .status = static_cast<int>(row.integer(4)),
                   .duration = Micros(row.integer(5)),
                   .at = row.time(6)});
  }
  return out;
}

}  // namespace toll::metering
