#include "metering/usage.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "metering/usage/rollup.h"
#include "metering/usage/rows.h"

namespace toll::metering {

namespace {

using Steady = std::chrono::steady_clock;

// A row that is this late is booked in the oldest minute that is still open; one that is later tells of a clock that
// went back.
constexpr std::int64_t late_minutes = 10;
// A minute's sums stay in memory this long after it, for answers that took their time to get here.
constexpr std::int64_t open_minutes = 2;
constexpr int flushes_a_use = 3;
constexpr auto rollup_interval = std::chrono::minutes(1);

std::size_t this_thread_number() {
  static std::atomic<std::size_t> last{0};
  static thread_local const std::size_t mine = last++;
  return mine;
}

}  // namespace

UsageRecorder::UsageRecorder(sql::Database& db, const Clock& clock, Options options)
    : db_(db), clock_(clock), options_(std::move(options)) {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

UsageRecorder::~UsageRecorder() {
  thread_.request_stop();
  thread_.join();
}

void UsageRecorder::record(const UsageRecord& record) {
  auto& shard = shards_[this_thread_number() % shard_count];
  bool half_full = false;
  {
    std::lock_guard lock(shard.mutex);
    if (shard.rows.size() >= options_.capacity) {
      ++dropped_;
      return;
    }
    shard.rows.push_back(record);
    half_full = shard.rows.size() == options_.capacity / 2;
  }
  if (!half_full) return;
  std::lock_guard lock(sleeping_);
  crowded_ = true;
  wake_.notify_one();
}

// False when there is no time left to sleep.
bool UsageRecorder::sleep_until(std::stop_token stop, Steady::time_point when) {
  std::unique_lock lock(sleeping_);
  const bool woken = wake_.wait_until(lock, stop, when, [&] { return crowded_; });
  crowded_ = false;
  return woken && !stop.stop_requested();
}

void UsageRecorder::run(std::stop_token stop) {
  int round = 0;
  bool last = false;
  do {
    last = stop.stop_requested();  // asked before the buffers are read: what came while the round before wrote is left
    const auto next = Steady::now() + options_.interval;
    try {
      roll_up_if_due();
      while (sleep_until(stop, next)) {
        std::lock_guard lock(flushing_);
        drain();
      }
      std::lock_guard lock(flushing_);
      drain();
      write(++round % flushes_a_use == 0 || last);
    } catch (const std::exception& failed) {
      log::warn("usage.not_written", {{"cause", failed.what()}});
    }
  } while (!last);
}

// Late by a minute hurts nobody: until it is done the report reads the minutes.
void UsageRecorder::roll_up_if_due() {
  if (!options_.rolls_up) return;
  const auto now = clock_.now();
  if (now < next_rollup_ && next_rollup_ - now <= rollup_interval) return;
  next_rollup_ = now + rollup_interval;
  roll_up(db_, now);
}

void UsageRecorder::flush() {
  std::lock_guard lock(flushing_);
  drain();
  write(true);
}

void UsageRecorder::drain() {
  std::vector<UsageRecord> rows;
  for (auto& shard : shards_) {
    {
      std::lock_guard lock(shard.mutex);
      rows.swap(shard.rows);
    }
    for (const auto& row : rows) add(row);
    rows.clear();
  }
}

void UsageRecorder::add(const UsageRecord& row) {
  const SumKey key{minute_for(row.at), row.subject, epoch_};
  auto found = sums_.find(key);
  if (found == sums_.end()) {
    if (sums_.size() >= options_.most_sums) {
      ++dropped_;
      return;
    }
    found = sums_.emplace(key, Sum{row.account, {}, true}).first;
  }
  auto& sum = found->second;
  sum.touched = true;
  sum.tally.add(endpoint_number(row.endpoint), row.status, row.duration, row.charged);
  auto& use = uses_[row.subject];
  ++use.calls;
  use.last = std::max(use.last, row.at);
  if (row.address != decltype(row.address){}) use.address = row.address;
}

// A sum that was written and forgotten must not be begun again under its name: it would replace what was written.
std::int64_t UsageRecorder::minute_for(Time at) {
  const auto minute = to_micros(at) / micros_a_minute;
  if (minute <= closed_ && closed_ - minute < late_minutes) return closed_ + 1;
  if (minute <= closed_) {
    ++epoch_;
    closed_ = minute - 1;
    newest_ = minute;
  }
  newest_ = std::max(newest_, minute);
  return minute;
}

std::uint32_t UsageRecorder::endpoint_number(std::string_view name) {
  const auto [found, is_new] = endpoints_.emplace(name, static_cast<std::uint32_t>(endpoint_names_.size()));
  if (is_new) endpoint_names_.push_back(name);
  return found->second;
}

void UsageRecorder::write(bool with_uses) {
  const auto touched = touched_in_order();
  const auto uses = with_uses && options_.note_uses ? uses_in_order() : std::vector<KeyUse>();
  if (touched.empty() && uses.empty()) return;
  prepare_names_and_writers();
  db_.write([&](sql::Tx& tx) {
    write_sums(tx, touched);
    mark_late_hours(tx, touched);
    if (!uses.empty()) options_.note_uses(tx, uses);
    return true;
  });
  if (with_uses || !options_.note_uses) uses_.clear();
  forget_written(touched);
}

std::vector<UsageRecorder::SumEntry*> UsageRecorder::touched_in_order() {
  std::vector<SumEntry*> out;
  for (auto& entry : sums_)
    if (entry.second.touched) out.push_back(&entry);
  std::ranges::sort(out, {}, [](const SumEntry* entry) { return entry->first; });
  return out;
}

// In one order, so that two servers do not wait for each other's rows.
std::vector<KeyUse> UsageRecorder::uses_in_order() const {
  std::vector<KeyUse> out;
  for (const auto& [subject, use] : uses_)
    if (auto key = subject.key()) out.push_back({*std::move(key), use.calls, use.last, use.address});
  std::ranges::sort(out, {}, &KeyUse::key);
  return out;
}

// In transactions of their own: what they gave is kept here and must be there.
void UsageRecorder::prepare_names_and_writers() {
  while (endpoint_ids_.size() < endpoint_names_.size())
    endpoint_ids_.push_back(
        db_.write([&](sql::Tx& tx) { return endpoint_id(tx, endpoint_names_[endpoint_ids_.size()]); }));
  while (writers_.size() <= epoch_) writers_.push_back(db_.write([](sql::Tx& tx) { return new_writer(tx); }));
}

void UsageRecorder::write_sums(sql::Tx& tx, std::span<SumEntry* const> touched) const {
  MinuteWriter rows(tx);
  for (const auto* entry : touched) {
    const auto& [key, sum] = *entry;
    rows.add({key.minute, key.subject, writers_[key.epoch], sum.account, sum.tally.charged,
              sum.tally.encode(endpoint_ids_)});
  }
  rows.finish();
}

void UsageRecorder::mark_late_hours(sql::Tx& tx, std::span<SumEntry* const> touched) const {
  const auto done = rolled_up(tx).hours;
  std::set<std::int64_t> hours;
  for (const auto* entry : touched)
    if (const auto hour = entry->first.minute / 60; hour < done || is_late(hour, newest_)) hours.insert(hour);
  for (auto hour : hours) mark_late(tx, hour);
}

void UsageRecorder::forget_written(std::span<SumEntry* const> written) {
  for (auto* entry : written) entry->second.touched = false;
  closed_ = std::max(closed_, newest_ - open_minutes);
  std::erase_if(sums_, [&](const SumEntry& entry) {
    return !entry.second.touched && (entry.first.epoch != epoch_ || entry.first.minute <= closed_);
  });
}

}  // namespace toll::metering
