#include "surfaces/registry/endpoints/usage.h"

namespace toll::registry {

namespace {

constexpr std::int64_t thirty_days = 2'592'000;

template <class Query>
WindowView window_of(const Call& call, const Query& in) {
  const auto until = in.until.value_or(models::to_seconds(call.now));
  const auto earliest = INT64_MIN + thirty_days;
  return {in.since.value_or(std::max(until, earliest) - thirty_days), until};
}

TotalsView totals_of(const models::UsageTotals& totals) {
  return {totals.events(),    totals.manifests,      totals.files_list,  totals.downloads,
          totals.urls_issued, totals.objects_served, totals.bytes_served};
}

std::vector<TopModelView> models_of(std::vector<models::TopModel> rows) {
  std::vector<TopModelView> out;
  for (auto& row : rows) out.push_back({std::move(row.repo_id), row.downloads, row.bytes_served});
  return out;
}

std::vector<DayView> days_of(std::vector<models::UsageDay> rows) {
  std::vector<DayView> out;
  for (auto& row : rows) out.push_back({std::move(row.day), row.events, row.downloads, row.bytes_served});
  return out;
}

// What was noted a moment ago counts.
template <class F>
auto read_after_flush(const Call& call, F f) {
  call.house.recorder.flush();
  return call.house.db.read(f);
}

}  // namespace

Result<MyUsageView> GetMyUsage::handle(Call& call, const Request& in) {
  const auto window = window_of(call, in);
  auto sums = read_after_flush(call, [&](sql::Tx& tx) {
    return models::usage(tx, {.since = window.since,
                              .until = window.until,
                              .account = call.account(),
                              .top_models = in.top_models_limit.value_or(20)});
  });
  return MyUsageView{.window = window,
                     .totals = totals_of(sums.totals),
                     .last_seen_ts = sums.last_seen_ts,
                     .distinct_models = sums.distinct_models,
                     .top_models = models_of(std::move(sums.top_models)),
                     .timeseries_daily = days_of(std::move(sums.days))};
}

Result<AdminUsageView> GetAdminUsage::handle(Call& call, const Request& in) {
  const auto window = window_of(call, in);
  std::optional<FilterView> filter;
  auto sums = read_after_flush(call, [&](sql::Tx& tx) {
    models::UsageQuery query{.since = window.since,
                             .until = window.until,
                             .account = {},
                             .top_models = in.top_models_limit.value_or(100),
                             .top_users = in.top_users_limit.value_or(50)};
    if (in.filter_user_id || in.filter_email) {
      const auto& users = call.house.users;
      const auto user =
          in.filter_user_id ? users.find(tx, AccountId(*in.filter_user_id)) : users.find_by_email(tx, *in.filter_email);
      // Nobody has this account.
      query.account = user ? user->account : AccountId(-1);
      filter = user ? FilterView{user->account.value(), user->email} : FilterView{{}, in.filter_email};
    }
    return models::usage(tx, query);
  });
  AdminUsageView out{.window = window,
                     .totals = totals_of(sums.totals),
                     .last_seen_ts = sums.last_seen_ts,
                     .top_users = {},
                     .top_models = models_of(std::move(sums.top_models)),
                     .timeseries_daily = days_of(std::move(sums.days)),
                     .filter = std::move(filter)};
  for (auto& user : sums.top_users)
    out.top_users.push_back({user.account.value(), std::move(user.email), std::move(user.name), user.events,
                             user.downloads, user.last_seen_ts, user.bytes_served});
  return out;
}

}  // namespace toll::registry
