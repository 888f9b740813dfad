// Usage: sums over the access log, one's own or everybody's.
#pragma once

#include "models/usage.h"
#include "surfaces/registry/house.h"
#include "surfaces/registry/wire.h"

namespace toll::registry {

struct MyUsageQuery {
  Param<std::int64_t> since, until, top_models_limit;
};

struct AdminUsageQuery {
  Param<std::int64_t> since, until, top_users_limit, top_models_limit, filter_user_id;
  std::optional<std::string> filter_email;
};

struct WindowView {
  std::int64_t since = 0, until = 0;
};
struct TotalsView {
  std::int64_t events = 0, manifests = 0, files_list = 0, downloads = 0;
  std::int64_t urls_issued = 0, objects_served = 0, bytes_served = 0;
};
struct TopModelView {
  std::string repo_id;
  std::int64_t downloads = 0, bytes_served = 0;
};
struct TopUserView {
  std::int64_t user_id = 0;
  std::string email, name;
  std::int64_t events = 0, downloads = 0, last_seen_ts = 0, bytes_served = 0;
};
struct DayView {
  std::string day;
  std::int64_t events = 0, downloads = 0, bytes_served = 0;
};
struct FilterView {
  std::optional<std::int64_t> user_id;
  std::optional<std::string> email;
};

struct MyUsageView {
  WindowView window;
  TotalsView totals;
  std::int64_t last_seen_ts = 0, distinct_models = 0;
  std::vector<TopModelView> top_models;
  std::vector<DayView> timeseries_daily;
};

struct AdminUsageView {
  WindowView window;
  TotalsView totals;
  std::int64_t last_seen_ts = 0;
  std::vector<TopUserView> top_users;
  std::vector<TopModelView> top_models;
  std::vector<DayView> timeseries_daily;
  std::optional<FilterView> filter;
};

struct GetMyUsage : Endpoint {
  using Request = MyUsageQuery;
  using Response = MyUsageView;
  static constexpr Route route{Method::get, "/v1/users/me/usage"};
  static constexpr std::string_view id = "registry.users.usage", summary = "What the current user has used";
  static constexpr Runs runs = Runs::blocking;
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetAdminUsage : Endpoint {
  using Request = AdminUsageQuery;
  using Response = AdminUsageView;
  static constexpr Route route{Method::get, "/v1/admin/usage"};
  static constexpr std::string_view id = "registry.admin.usage", summary = "What everybody, or one user, has used";
  static constexpr Access access = Access::admin;
  static constexpr Runs runs = Runs::blocking;
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::registry

namespace toll::json {

template <>
struct Schema<registry::MyUsageQuery> {
  using V = registry::MyUsageQuery;
  static constexpr std::string_view name = "MyUsageQuery";
  static constexpr auto fields =
      std::tuple{field(&V::since, "since", "The first second; 30 days before until if absent.", {.in = In::query}),
                 field(&V::until, "until", "The last second; now if absent.", {.in = In::query}),
                 field(&V::top_models_limit, "top_models_limit", "Models in the list, 20 if absent.",
                       {.in = In::query, .min = 1, .max = 200})};
};

template <>
struct Schema<registry::AdminUsageQuery> {
  using V = registry::AdminUsageQuery;
  static constexpr std::string_view name = "AdminUsageQuery";
  static constexpr auto fields =
      std::tuple{field(&V::since, "since", "The first second; 30 days before until if absent.", {.in = In::query}),
                 field(&V::until, "until", "The last second; now if absent.", {.in = In::query}),
                 field(&V::top_users_limit, "top_users_limit", "Users in the list, 50 if absent.",
                       {.in = In::query, .min = 1, .max = 500}),
                 field(&V::top_models_limit, "top_models_limit", "Models in the list, 100 if absent.",
                       {.in = In::query, .min = 1, .max = 1000}),
                 field(&V::filter_user_id, "filter_user_id", "This user's figures only.", {.in = In::query}),
                 field(&V::filter_email, "filter_email", "The same, by address.", {.in = In::query})};
};

template <>
struct Schema<registry::WindowView> {
  using V = registry::WindowView;
  static constexpr std::string_view name = "UsageWindow";
  static constexpr auto fields =
      std::tuple{field(&V::since, "since", "The first second."), field(&V::until, "until", "The last second.")};
};

template <>
struct Schema<registry::TotalsView> {
  using V = registry::TotalsView;
  static constexpr std::string_view name = "UsageTotals";
  static constexpr auto fields =
      std::tuple{field(&V::events, "events", "Manifests, file lists and downloads."),
                 field(&V::manifests, "manifests", "Manifests."),
                 field(&V::files_list, "files_list", "File lists."),
                 field(&V::downloads, "downloads", "Download URLs that were asked for."),
                 field(&V::urls_issued, "urls_issued", "All signed URLs to read, those of lists included."),
                 field(&V::objects_served, "objects_served", "Transfers of objects."),
                 field(&V::bytes_served, "bytes_served", "Payload bytes that were sent.")};
};

template <>
struct Schema<registry::TopModelView> {
  using V = registry::TopModelView;
  static constexpr std::string_view name = "TopModel";
  static constexpr auto fields =
      std::tuple{field(&V::repo_id, "repo_id", "The model."), field(&V::downloads, "downloads", "Downloads."),
                 field(&V::bytes_served, "bytes_served", "Payload bytes.")};
};

template <>
struct Schema<registry::TopUserView> {
  using V = registry::TopUserView;
  static constexpr std::string_view name = "TopUser";
  static constexpr auto fields = std::tuple{field(&V::user_id, "user_id", "The account."),
                                            field(&V::email, "email", "Its address; empty when it is gone."),
                                            field(&V::name, "name", "Its name."),
                                            field(&V::events, "events", "Manifests, file lists and downloads."),
                                            field(&V::downloads, "downloads", "Downloads."),
                                            field(&V::last_seen_ts, "last_seen_ts", "The second of its newest event."),
                                            field(&V::bytes_served, "bytes_served", "Payload bytes.")};
};

template <>
struct Schema<registry::DayView> {
  using V = registry::DayView;
  static constexpr std::string_view name = "UsageDay";
  static constexpr auto fields = std::tuple{field(&V::day, "day", "The day, UTC.", {.example = "2024-04-01"}),
                                            field(&V::events, "events", "Manifests, file lists and downloads."),
                                            field(&V::downloads, "downloads", "Downloads."),
                                            field(&V::bytes_served, "bytes_served", "Payload bytes.")};
};

template <>
struct Schema<registry::FilterView> {
  using V = registry::FilterView;
  static constexpr std::string_view name = "UsageFilter";
  static constexpr auto fields =
      std::tuple{field(&V::user_id, "user_id", "Whose figures; null: there is no such user."),
                 field(&V::email, "email", "Its address.")};
};

template <>
struct Schema<registry::MyUsageView> {
  using V = registry::MyUsageView;
  static constexpr std::string_view name = "MyUsage";
  static constexpr auto fields =
      std::tuple{field(&V::window, "window", "What is summed, both ends included."),
                 field(&V::totals, "totals", "Sums."),
                 field(&V::last_seen_ts, "last_seen_ts", "The newest event in the window; 0: none."),
                 field(&V::distinct_models, "distinct_models", "Models with an event."),
                 field(&V::top_models, "top_models", "By downloads."),
                 field(&V::timeseries_daily, "timeseries_daily", "Days with events.")};
};

template <>
struct Schema<registry::AdminUsageView> {
  using V = registry::AdminUsageView;
  static constexpr std::string_view name = "AdminUsage";
  static constexpr auto fields =
      std::tuple{field(&V::window, "window", "What is summed, both ends included."),
                 field(&V::totals, "totals", "Sums."),
                 field(&V::last_seen_ts, "last_seen_ts", "The newest event in the window; 0: none."),
                 field(&V::top_users, "top_users", "By downloads, then events."),
                 field(&V::top_models, "top_models", "By downloads."),
                 field(&V::timeseries_daily, "timeseries_daily", "Days with events."),
                 field(&V::filter, "filter", "Whose figures these are.", {.omit_null = true})};
};

}  // namespace toll::json
