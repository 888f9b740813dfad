// Sums over the access log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "sql/database.h"

namespace toll::models {

struct UsageQuery {
  std::int64_t since = 0, until = 0;            // seconds, both inclusive; since > until gives nothing
  std::optional<AccountId> account;             // one account's; none: everybody's
  std::int64_t top_models = 20, top_users = 0;  // 0: no such list
};

struct UsageTotals {
  std::int64_t manifests = 0, files_list = 0, downloads = 0, urls_issued = 0, objects_served = 0, bytes_served = 0;
  std::int64_t events() const { return manifests + files_list + downloads; }
};
struct TopModel {
  std::string repo_id;
  std::int64_t downloads = 0, bytes_served = 0;
};
struct TopUser {
  AccountId account;
  std::string email, name;  // empty: the account is gone
  std::int64_t events = 0, downloads = 0, last_seen_ts = 0, bytes_served = 0;
};
struct UsageDay {
  std::string day;  // "2025-01-01", UTC
  std::int64_t events = 0, downloads = 0, bytes_served = 0;
};

struct Usage {
  UsageTotals totals;
  std::int64_t last_seen_ts = 0;  // of the newest counted event in the window; 0: none
  std::int64_t distinct_models = 0;
  std::vector<TopModel> top_models;  // by downloads, then repo_id
  std::vector<TopUser> top_users;    // by downloads, then events
  std::vector<UsageDay> days;        // ascending, without empty ones
};

Usage usage(sql::Tx& tx, const UsageQuery& query);

}  // namespace toll::models
