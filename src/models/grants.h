// Permission in time: an account may see a model, and fetch or run it, from one second to another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "models/access_log.h"
#include "models/feed.h"
#include "models/model.h"
#include "sql/database.h"

namespace toll::models {

struct Grant {
  AccountId account;
  std::string repo_id;
  std::int64_t from_ts = 0;
  std::optional<std::int64_t> until_ts;  // inclusive
  bool download = true, run = false;
};

// Active when from_ts <= now and (no until_ts or now <= until_ts). Thread-safe.
class Grants {
 public:
  Grants(const Clock& clock, const Feed& feed, const AccessLog& log);

  // Replaces the grant of the account for the model. Faults: account_not_found, model_not_found.
  Result<void> set(sql::Tx& tx, const Grant& grant, const Trace& trace) const;
  // False when there was none.
  bool remove(sql::Tx& tx, AccountId account, std::string_view repo_id, const Trace& trace) const;
  // By account, then repo_id. Of one account, or all.
  std::vector<Grant> list(sql::Tx& tx, std::optional<AccountId> account, std::optional<std::int64_t> limit,
                          std::int64_t offset) const;
  // Grants that began or ended since the last call get their rows in the feed; how many.
  std::size_t tick(sql::Tx& tx, std::size_t limit = 500) const;

 private:
  const Clock& clock_;
  const Feed& feed_;
  const AccessLog& log_;
};

}  // namespace toll::models
