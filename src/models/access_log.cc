#include "models/access_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/log.h"
#include "base/text.h"

namespace toll::models {

namespace {

// Client texts go in without what the databases do not take, and bounded.
std::string stored(std::string_view text) {
  if (text.find('\0') != text.npos || !valid_utf8(text)) return "";
  return std::string(utf8_prefix(text, 512));
}

// What the object store serves comes with its key alone.
void insert(sql::Tx& tx, const AccessRow& row) {
  tx.exec(
      "INSERT INTO model_access_log (created_at, account_id, key_id, event, status, repo_id, rfilename, version, "
      "object_key, size, bytes, urls, remote, user_agent, request_id) VALUES ($1, $2, $3, $4, $5, coalesce($6, (SELECT "
      "r.repo_id "
      "FROM model_files f JOIN model_repos r ON r.id = f.repo WHERE f.object_key = $9 LIMIT 1)), $7, $8, $9, $10, $11, "
      "$12, $13, $14, $15)",
      row.at, row.account, row.key, row.event, row.status, row.repo_id, row.rfilename, row.version, row.object_key,
      row.size, row.bytes, row.urls, stored(row.remote), stored(row.user_agent), row.request_id);
}

AccessRow row_of(const sql::Row& row) {
  const auto account = row.maybe_integer(2);
  const auto key = row.maybe_text(3);
  return {.id = row.integer(0),
          .at = row.time(1),
          .account = account ? std::optional(AccountId(*account)) : std::nullopt,
          .key = key ? std::optional(KeyId(*key)) : std::nullopt,
          .event = row.text(4),
          .status = row.text(5),
          .repo_id = row.maybe_text(6),
          .rfilename = row.maybe_text(7),
          .version = row.maybe_text(8),
          .object_key = row.maybe_text(9),
          .size = row.maybe_integer(10),
          .bytes = row.integer(11),
          .urls = row.integer(12),
          .remote = row.maybe_text(13).value_or(""),
          .user_agent = row.maybe_text(14).value_or(""),
          .request_id = row.maybe_text(15).value_or("")};
}

}  // namespace

void AccessLog::write(sql::Tx& tx, const Trace& trace, std::string_view event, AccessRow row) const {
  row.at = clock_.now();
  row.account = trace.actor.account;
  row.key = trace.key;
  row.event = std::string(event);
  row.remote = trace.remote;
  row.user_agent = trace.user_agent;
  row.request_id = trace.request_id;
  insert(tx, row);
}

void AccessLog::audit(sql::Tx& tx, const Trace& trace, std::string_view action, std::string object,
                      std::string detail) const {
  identity::audit(tx, clock_.now(), trace.actor, {action, std::move(object), std::move(detail)});
}

std::vector<AccessRow> AccessLog::list(sql::Tx& tx, const LogQuery& query) const {
  std::string sql =
      "SELECT id, created_at, account_id, key_id, event, status, repo_id, rfilename, version, object_key, size, bytes, "
      "urls, remote, user_agent, request_id FROM model_access_log WHERE id < $1";
  std::vector<sql::Value> args{query.before.value_or(INT64_MAX)};
  auto add = [&](std::string_view condition, auto value) {
    args.emplace_back(value);
    sql += fmt::format(" AND {} ${}", condition, args.size());
  };
  constexpr std::int64_t micros = 1'000'000, bound = INT64_MAX / micros - 1;
  if (query.since) add("created_at >=", std::clamp(*query.since, -bound, bound) * micros);
  if (query.until) add("created_at <", (std::clamp(*query.until, -bound, bound) + 1) * micros);
  if (query.account) add("account_id =", query.account->value());
  if (query.repo_id) add("repo_id =", std::string_view(*query.repo_id));
  if (query.event) add("event =", std::string_view(*query.event));
  args.emplace_back(query.limit);
  sql += fmt::format(" ORDER BY id DESC LIMIT ${}", args.size());
  std::vector<AccessRow> out;
  for (const auto& row : tx.query_with(sql, args)) out.push_back(row_of(row));
  return out;
}

AccessRecorder::AccessRecorder(sql::Database& db, const Clock& clock, Options options)
    : db_(db), clock_(clock), options_(options) {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

AccessRecorder::~AccessRecorder() {
  thread_.request_stop();
  thread_.join();
}

void AccessRecorder::record(AccessRow row) {
  row.at = clock_.now();
  std::lock_guard lock(mutex_);
  if (buffer_.size() >= options_.capacity) {
    ++dropped_;
    return;
  }
  buffer_.push_back(std::move(row));
}

std::uint64_t AccessRecorder::dropped() const {
  std::lock_guard lock(mutex_);
  return dropped_;
}

void AccessRecorder::run(std::stop_token stop) {
  do {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, options_.interval, [] { return false; });
    }
    try {
      flush();
    } catch (const std::exception& failed) {
      log::warn("access_log.not_written", {{"cause", failed.what()}});
    }
  } while (!stop.stop_requested());
}

void AccessRecorder::flush() {
  std::lock_guard flushing(flushing_);
  std::vector<AccessRow> group;
  {
    std::lock_guard lock(mutex_);
    group.swap(buffer_);
  }
  if (group.empty()) return;
  std::map<std::string, std::int64_t> downloads;
  for (const auto& row : group)
    if (row.repo_id && row.urls > 0) downloads[*row.repo_id] += row.urls;
  try {
    db_.write([&](sql::Tx& tx) {
      for (const auto& row : group) insert(tx, row);
      for (const auto& [repo_id, count] : downloads)
        tx.exec(
            "UPDATE model_repos SET downloads = downloads + $2, revision = revision + 1 WHERE repo_id = $1 AND "
            "owner_id "
            "IS NOT NULL",
            repo_id, count);
      return true;
    });
  } catch (...) {
    std::lock_guard lock(mutex_);
    buffer_.insert(buffer_.begin(), std::make_move_iterator(group.begin()), std::make_move_iterator(group.end()));
    throw;
  }
}

}  // namespace toll::models
