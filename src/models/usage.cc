#include "models/usage.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>

namespace toll::models {

namespace {

constexpr std::int64_t micros = 1'000'000, second_bound = INT64_MAX / micros - 1;
constexpr std::string_view counted = "event IN ('files_list', 'manifest', 'download_url_issued') AND status = 'ok'";

// What each sum is, over rows of the window.
constexpr std::string_view sums =
    "cast(coalesce(sum(CASE WHEN event = 'manifest' AND status = 'ok' THEN 1 ELSE 0 END), 0) AS bigint), "
    "cast(coalesce(sum(CASE WHEN event = 'files_list' AND status = 'ok' THEN 1 ELSE 0 END), 0) AS bigint), "
    "cast(coalesce(sum(CASE WHEN event = 'download_url_issued' AND status = 'ok' THEN 1 ELSE 0 END), 0) AS bigint), "
    "cast(coalesce(sum(CASE WHEN event = 'object_served' THEN bytes ELSE 0 END), 0) AS bigint)";

std::string day_name(std::int64_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

// The window's rows, as a FROM clause; $1 and $2 are its bounds, $3 the account or null.
struct Window {
  std::int64_t from, to;
  std::optional<AccountId> account;
  std::string_view clause;

  explicit Window(const UsageQuery& query)
      : from(std::clamp(query.since, -second_bound, second_bound) * micros),
        to((std::clamp(query.until, -second_bound, second_bound) + 1) * micros),
        account(query.account),
        clause(query.account
                   ? "FROM model_access_log WHERE created_at >= $1 AND created_at < $2 AND account_id = $3"
                   : "FROM model_access_log WHERE created_at >= $1 AND created_at < $2 AND CAST($3 AS BIGINT) "
                     "IS NULL") {}

  template <class... More>
  std::vector<sql::Row> query(sql::Tx& tx, std::string_view select, std::string_view rest, const More&... more) const {
    return tx.query(fmt::format("SELECT {} {} {}", select, clause, rest), from, to, account, more...);
  }
};

void total(sql::Tx& tx, const Window& window, Usage& out) {
  const auto all = window.query(
      tx,
      fmt::format(
          "{}, cast(coalesce(sum(urls), 0) AS bigint), cast(coalesce(sum(CASE WHEN event = 'object_served' THEN 1 "
          "ELSE 0 END), 0) AS bigint), cast(coalesce(max(CASE WHEN {} THEN created_at END), 0) AS bigint), "
          "count(DISTINCT CASE WHEN {} THEN repo_id END)",
          sums, counted, counted),
      "");
  const auto& row = all.front();
  out.totals = {.manifests = row.integer(0),
                .files_list = row.integer(1),
                .downloads = row.integer(2),
                .urls_issued = row.integer(4),
                .objects_served = row.integer(5),
                .bytes_served = row.integer(3)};
  out.last_seen_ts = row.integer(6) / micros;
  out.distinct_models = row.integer(7);
}

void top_models(sql::Tx& tx, const Window& window, const UsageQuery& query, Usage& out) {
  for (const auto& row :
       window.query(tx, fmt::format("repo_id, {}", sums),
                    "AND repo_id IS NOT NULL AND event IN ('files_list', 'manifest', 'download_url_issued', "
                    "'object_served') AND "
                    "(status = 'ok' OR event = 'object_served') GROUP BY repo_id ORDER BY 4 DESC, 1 LIMIT $4",
                    query.top_models))
    out.top_models.push_back({row.text(0), row.integer(3), row.integer(4)});
}

void days(sql::Tx& tx, const Window& window, Usage& out) {
  for (const auto& row : window.query(
           tx, fmt::format("created_at / 86400000000, {}", sums),
           "AND event IN ('files_list', 'manifest', 'download_url_issued', 'object_served') AND (status = 'ok' OR "
           "event = 'object_served') GROUP BY 1 ORDER BY 1"))
    out.days.push_back(
        {day_name(row.integer(0)), row.integer(1) + row.integer(2) + row.integer(3), row.integer(3), row.integer(4)});
}

void top_users(sql::Tx& tx, const Window& window, const UsageQuery& query, Usage& out) {
  for (const auto& row : window.query(
           tx,
           fmt::format("account_id, {}, cast(max(created_at) AS bigint), (SELECT a.email FROM accounts a WHERE a.id "
                       "= account_id), (SELECT coalesce(a.display_name, a.username) FROM accounts a WHERE a.id = "
                       "account_id)",
                       sums),
           "AND account_id IS NOT NULL AND event IN ('files_list', 'manifest', 'download_url_issued', 'object_served') "
           "AND (status = 'ok' OR event = 'object_served') GROUP BY account_id ORDER BY 4 DESC, count(CASE WHEN event "
           "<> 'object_served' THEN 1 END) "
           "DESC, account_id LIMIT $4",
           query.top_users))
    out.top_users.push_back({.account = AccountId(row.integer(0)),
                             .email = row.maybe_text(6).value_or(""),
                             .name = row.maybe_text(7).value_or(""),
                             .events = row.integer(1) + row.integer(2) + row.integer(3),
                             .downloads = row.integer(3),
                             .last_seen_ts = row.integer(5) / micros,
                             .bytes_served = row.integer(4)});
}

}  // namespace

Usage usage(sql::Tx& tx, const UsageQuery& query) {
  Usage out;
  const Window window(query);
  total(tx, window, out);
  top_models(tx, window, query, out);
  days(tx, window, out);
  if (query.top_users > 0) top_users(tx, window, query, out);
  return out;
}

}  // namespace toll::models
