// The feed of changes.
#pragma once

#include "surfaces/registry/house.h"
#include "surfaces/registry/wire.h"

namespace toll::registry {

struct ChangesQuery {
  Param<std::int64_t> since, limit;
  std::optional<std::string> cursor;
};

struct ChangeView {
  std::string repo_id;
  std::int64_t last_update_ts = 0;
  std::string change;
  bool deleted = false;
};

struct ListChanges : Endpoint {
  using Request = ChangesQuery;
  using Response = std::vector<ChangeView>;
  static constexpr Route route{Method::get, "/v1/changes"};
  static constexpr std::string_view id = "registry.changes", summary = "What has changed, oldest first";
  static constexpr std::string_view description =
      "X-Next-Cursor on every answer: following it loses and repeats nothing. Models that the caller lost sight of "
      "come "
      "once, with deleted true.";
  static constexpr Runs runs = Runs::blocking;
  static constexpr std::int64_t usual_limit = 500;
  static constexpr std::array reasons{Reason::bad_cursor};
  static void check(Call&, const Request& in, api::Checks& checks) {
    if (!in.since && !in.cursor)
      checks.refuse("since", std::optional<std::int64_t>(), "is required", Problem::missing, Place::query);
  }
  static Result<Response> handle(Call& call, const Request& in) {
    auto page = TOLL_TRY(call.house.feed.page(
        call.house.db, viewer(call),
        {.since = in.since.value_or(0), .cursor = in.cursor, .limit = in.limit.value_or(usual_limit)}));
    call.reply.add("X-Next-Cursor", page.cursor);
    Response out;
    out.reserve(page.rows.size());
    for (auto& row : page.rows)
      out.push_back({std::move(row.repo_id), row.last_update_ts, std::move(row.change), row.deleted});
    return out;
  }
};

}  // namespace toll::registry

namespace toll::json {

template <>
struct Schema<registry::ChangesQuery> {
  using V = registry::ChangesQuery;
  static constexpr std::string_view name = "ChangesQuery";
  static constexpr auto fields =
      std::tuple{field(&V::since, "since", "Changes after this second; required without a cursor.", {.in = In::query}),
                 field(&V::limit, "limit", "Rows a page, 500 if absent.", {.in = In::query, .min = 1, .max = 2000}),
                 field(&V::cursor, "cursor", "The X-Next-Cursor of the page before.", {.in = In::query})};
};

template <>
struct Schema<registry::ChangeView> {
  using V = registry::ChangeView;
  static constexpr std::string_view name = "Change";
  static constexpr auto fields = std::tuple{
      field(&V::repo_id, "repo_id", "The model."),
      field(&V::last_update_ts, "last_update_ts", "The second of the change."),
      field(&V::change, "change", "created, updated, version, upload, alias, visibility, access or deleted."),
      field(&V::deleted, "deleted", "The caller does not see it any more.")};
};

}  // namespace toll::json
