// The feed of changes. Every change takes the one row of model_feed, so that changes commit in the order of their
// numbers and what a snapshot shows is always a beginning of the feed.
//
// Clients may follow the feed by second alone. A second whose rows were handed out must be complete: it is closed, in
// the database, before that, and whatever changes afterwards is stamped with a later second.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "models/model.h"
#include "models/viewer.h"
#include "sql/database.h"

namespace toll::models {

enum class Change { created, updated, version, upload, alias, visibility, access, deleted };
std::string_view to_string(Change change);

struct FeedRow {
  std::string repo_id;
  std::int64_t last_update_ts = 0;
  std::string change;
  bool deleted = false;  // the viewer has lost sight of it
};

struct FeedQuery {
  std::int64_t since = 0;             // rows stamped later
  std::optional<std::string> cursor;  // instead: what follows the page that gave it
  std::int64_t limit = 500;
};

struct FeedPage {
  std::vector<FeedRow> rows;
  std::string cursor;  // always one
};

// Thread-safe.
class Feed {
 public:
  explicit Feed(const Clock& clock) : clock_(clock) {}

  // Stamps a repository, in the transaction of the change. Takes the feed's row until the transaction ends.
  void touch(sql::Tx& tx, RepoKey repo, Change change) const;

  // These will see one row that says the repository is gone, unless they see it (again).
  void departed(sql::Tx& tx, RepoKey repo, AccountId account, Change change) const;
  void departed_from_developers(sql::Tx& tx, RepoKey repo, Change change) const;
  void departed_from_administrators(sql::Tx& tx, RepoKey repo, Change change) const;

  // One row a repository, oldest change first. Blocking; writes only when a second must be closed.
  // Faults: bad_cursor.
  Result<FeedPage> page(sql::Database& db, const Viewer& viewer, const FeedQuery& query) const;

 private:
  const Clock& clock_;
};

}  // namespace toll::models
