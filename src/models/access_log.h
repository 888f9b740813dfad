// Who did what with which model: append-only rows, the registry's audit log and the source of its usage figures.
//
// Changes write their row in their own transaction (AccessLog::write). Reads must not wait for a write: their rows go
// through a buffer that one thread writes in groups (AccessRecorder). A crash loses at most one interval of them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "identity/audit.h"
#include "sql/database.h"

namespace toll::models {

// Events that usage counts. All other texts are actions, which count in no total.
inline constexpr std::string_view event_files_list = "files_list";
inline constexpr std::string_view event_manifest = "manifest";
inline constexpr std::string_view event_download = "download_url_issued";
inline constexpr std::string_view event_served = "object_served";

// Who asks, for the log and the audit row.
struct Trace {
  identity::Actor actor;
  std::optional<KeyId> key;
  std::string remote, user_agent, request_id;
};

struct AccessRow {
  std::int64_t id = 0;  // given by the database
  Time at;
  std::optional<AccountId> account;
  std::optional<KeyId> key;
  std::string event;
  std::string status = "ok";  // ok, denied, error
  std::optional<std::string> repo_id, rfilename, version, object_key;
  std::optional<std::int64_t> size;
  std::int64_t bytes = 0;  // payload bytes that were sent
  std::int64_t urls = 0;   // presigned read URLs that were issued
  std::string remote, user_agent, request_id;
};

struct LogQuery {
  std::optional<std::int64_t> since, until;  // seconds, inclusive
  std::optional<AccountId> account;
  std::optional<std::string> repo_id, event;
  std::optional<std::int64_t> before;  // ids below
  std::int64_t limit = 100;
};

// Stateless but for the clock; thread-safe.
class AccessLog {
 public:
  explicit AccessLog(const Clock& clock) : clock_(clock) {}

  // The row of an action, with the audit row if `audited` says what was changed.
  void write(sql::Tx& tx, const Trace& trace, std::string_view event, AccessRow row = {}) const;
  void audit(sql::Tx& tx, const Trace& trace, std::string_view action, std::string object, std::string detail) const;
  // Newest first.
  std::vector<AccessRow> list(sql::Tx& tx, const LogQuery& query) const;

 private:
  const Clock& clock_;
};

// Thread-safe. The destructor writes what is left.
class AccessRecorder {
 public:
  struct Options {
    std::size_t capacity = 65536;  // a full buffer drops new rows and counts them
    Micros interval = std::chrono::milliseconds(500);
  };
  AccessRecorder(sql::Database& db, const Clock& clock, Options options);
  ~AccessRecorder();

  // `at` is filled in. Issued download URLs also count as downloads of an account's own model.
  void record(AccessRow row);
  // Writes what is buffered now; blocking. Rows stay buffered when the database refuses.
  void flush();
  std::uint64_t dropped() const;

 private:
  void run(std::stop_token stop);

  sql::Database& db_;
  const Clock& clock_;
  const Options options_;
  mutable std::mutex mutex_;
  std::mutex flushing_;
  std::condition_variable_any wake_;
  std::vector<AccessRow> buffer_;
  std::uint64_t dropped_ = 0;
  std::jthread thread_;
};

}  // namespace toll::models
