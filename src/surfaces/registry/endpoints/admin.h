// Administration: users with a role, grants, the access log.
#pragma once

#include "base/text.h"
#include "surfaces/registry/house.h"
#include "surfaces/registry/wire.h"

namespace toll::registry {

// What every route below /v1/admin inherits.
struct AdminEndpoint : Endpoint {
  static constexpr Access access = Access::admin;
};

struct NewUserWithRole {
  Email email;
  PersonName name;
  RoleName role;
};

struct UserKeyWithRole {
  std::int64_t user_id = 0;
  std::string api_key, role;
};

struct SetGrantBody {
  std::int64_t platform_user_id = 0;
  RepoId repo_id;
  std::int64_t permitted_from_ts = 0;
  std::optional<std::int64_t> permitted_until_ts;
  std::optional<std::vector<Permission>> permissions;
};

struct GrantView {
  std::string repo_id;
  std::int64_t permitted_from_ts = 0;
  std::optional<std::int64_t> permitted_until_ts;
  std::int64_t platform_user_id = 0;
  std::vector<std::string> permissions;
};

struct GrantsQuery {
  Param<std::int64_t> platform_user_id, limit, offset;
};

struct GrantKey {
  std::int64_t platform_user_id = 0;
  RepoId repo_id;
};

struct LogsQuery {
  Param<std::int64_t> since, until, user_id;
  std::optional<std::string> repo_id, event_type, cursor;
  Param<std::int64_t> limit;
};

struct LogView {
  std::int64_t id = 0, ts = 0;
  std::optional<std::int64_t> user_id;
  std::optional<std::string> api_key_id;
  std::string event_type;
  std::optional<std::string> repo_id, rfilename, version, object_key;
  std::optional<std::int64_t> size;
  std::int64_t bytes = 0;
  std::string status, remote_addr, user_agent, request_id;
};

struct CreateUser : AdminEndpoint {
  using Request = NewUserWithRole;
  using Response = UserKeyWithRole;
  static constexpr Route route{Method::post, "/v1/admin/users"};
  static constexpr std::string_view id = "registry.admin.users.create", summary = "Make a user with a role and a key";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::email_taken};
  static Result<Response> handle(Call& call, const Request& in) {
    const auto role = identity::role_from(in.role.text).value();
    auto fresh = TOLL_TRY(call.house.users.create(call.tx(), in.email.text, in.name.text, role, call.actor()));
    call.house.log.write(call.tx(), trace(call), "user_created");
    return UserKeyWithRole{fresh.user.account.value(), std::move(fresh.secret), in.role.text};
  }
};

struct SetGrant : AdminEndpoint {
  using Request = SetGrantBody;
  using Response = Ok;
  static constexpr Route route{Method::post, "/v1/admin/grants"};
  // The document's example loses its quotes in the shell.
  static constexpr api::BodyMend mend = &unquoted_object;
  static constexpr std::string_view id = "registry.admin.grants.set", summary = "Give a user access to a model";
  static constexpr std::string_view description = "One grant a user and model; this one replaces an earlier one.";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::account_not_found, Reason::model_not_found};
  static void check(Call&, const Request& in, api::Checks& checks) {
    if (in.permitted_until_ts && *in.permitted_until_ts < in.permitted_from_ts && !checks.refused("permitted_from_ts"))
      checks.refuse("permitted_until_ts", in.permitted_until_ts, "must not be before permitted_from_ts");
    if (in.permissions && in.permissions->empty())
      checks.refuse("permissions", in.permissions, "must name at least one permission");
  }
  static Result<Response> handle(Call& call, const Request& in) {
    models::Grant grant{.account = AccountId(in.platform_user_id),
                        .repo_id = in.repo_id.text,
                        .from_ts = in.permitted_from_ts,
                        .until_ts = in.permitted_until_ts};
    if (in.permissions) {
      grant.download = false;
      for (const auto& one : *in.permissions) (one.text == "run" ? grant.run : grant.download) = true;
    }
    TOLL_TRY(call.house.grants.set(call.tx(), grant, trace(call)));
    return Ok{};
  }
};

struct ListGrants : AdminEndpoint {
  using Request = GrantsQuery;
  using Response = std::vector<GrantView>;
  static constexpr Route route{Method::get, "/v1/admin/grants"};
  static constexpr std::string_view id = "registry.admin.grants.list", summary = "Grants, of one user or all";
  static constexpr std::int64_t usual_limit = 100;
  static Result<Response> handle(Call& call, const Request& in) {
    std::optional<std::int64_t> limit = in.limit;
    if (!limit && !in.platform_user_id) limit = usual_limit;
    const auto account = in.platform_user_id ? std::optional(AccountId(*in.platform_user_id)) : std::nullopt;
    Response out;
    for (auto& grant : call.house.grants.list(call.tx(), account, limit, in.offset.value_or(0))) {
      GrantView one{grant.repo_id, grant.from_ts, grant.until_ts, grant.account.value(), {}};
      if (grant.download) one.permissions.emplace_back("download");
      if (grant.run) one.permissions.emplace_back("run");
      out.push_back(std::move(one));
    }
    return out;
  }
};

struct DeleteGrant : AdminEndpoint {
  using Request = GrantKey;
  using Response = Ok;
  static constexpr Route route{Method::delete_, "/v1/admin/grants"};
  static constexpr std::string_view id = "registry.admin.grants.delete", summary = "Take a grant back";
  static constexpr Runs runs = Runs::write;
  static Result<Response> handle(Call& call, const Request& in) {
    call.house.grants.remove(call.tx(), AccountId(in.platform_user_id), in.repo_id.text, trace(call));
    return Ok{};
  }
};

struct ListAccessLogs : AdminEndpoint {
  using Request = LogsQuery;
  using Response = std::vector<LogView>;
  static constexpr Route route{Method::get, "/v1/admin/access-logs"};
  static constexpr std::string_view id = "registry.admin.access_logs", summary = "Who did what, newest first";
  static constexpr Runs runs = Runs::blocking;
  static constexpr std::int64_t usual_limit = 100;
  static constexpr std::array reasons{Reason::bad_cursor};
  static Result<Response> handle(Call& call, const Request& in) {
    models::LogQuery query{.since = in.since, .until = in.until, .limit = in.limit.value_or(usual_limit)};
    if (in.user_id) query.account = AccountId(*in.user_id);
    query.repo_id = in.repo_id;
    query.event = in.event_type;
    if (in.cursor) {
      query.before = parse_int(*in.cursor);
      if (!query.before) return Reason::bad_cursor;
    }
    call.house.recorder.flush();
    Response out;
    for (auto& row : call.house.db.read([&](sql::Tx& tx) { return call.house.log.list(tx, query); }))
      out.push_back(view(std::move(row)));
    const auto last = out.empty() ? query.before.value_or(0) : out.back().id;
    call.reply.add("X-Next-Cursor", std::to_string(last));
    return out;
  }

 private:
  static LogView view(models::AccessRow row) {
    return {.id = row.id,
            .ts = models::to_seconds(row.at),
            .user_id = row.account ? std::optional(row.account->value()) : std::nullopt,
            .api_key_id = row.key ? std::optional(row.key->value()) : std::nullopt,
            .event_type = std::move(row.event),
            .repo_id = std::move(row.repo_id),
            .rfilename = std::move(row.rfilename),
            .version = std::move(row.version),
            .object_key = std::move(row.object_key),
            .size = row.size,
            .bytes = row.bytes,
            .status = std::move(row.status),
            .remote_addr = std::move(row.remote),
            .user_agent = std::move(row.user_agent),
            .request_id = std::move(row.request_id)};
  }
};

}  // namespace toll::registry

namespace toll::json {

template <>
struct Schema<registry::NewUserWithRole> {
  using V = registry::NewUserWithRole;
  static constexpr std::string_view name = "CreateRegistryUser";
  static constexpr auto fields = std::tuple{field(&V::email, "email", "The address; compared without case."),
                                            field(&V::name, "name", "What the user is called."),
                                            field(&V::role, "role", "developer, platform or admin.")};
};

template <>
struct Schema<registry::UserKeyWithRole> {
  using V = registry::UserKeyWithRole;
  static constexpr std::string_view name = "UserKeyWithRole";
  static constexpr auto fields =
      std::tuple{field(&V::user_id, "user_id", "The account."),
                 field(&V::api_key, "api_key", "The key (sk_live_...), shown this once.", {.secret = true}),
                 field(&V::role, "role", "The user's role.")};
};

template <>
struct Schema<registry::SetGrantBody> {
  using V = registry::SetGrantBody;
  static constexpr std::string_view name = "SetGrant";
  static constexpr auto fields =
      std::tuple{field(&V::platform_user_id, "platform_user_id", "Whom the grant is for; a user of any role."),
                 field(&V::repo_id, "repo_id", "The model."),
                 field(&V::permitted_from_ts, "permitted_from_ts", "The first second of the grant."),
                 field(&V::permitted_until_ts, "permitted_until_ts", "Its last second; null: it does not end."),
                 field(&V::permissions, "permissions", "download, run; absent: download.", {.max = 2})};
};

template <>
struct Schema<registry::GrantView> {
  using V = registry::GrantView;
  static constexpr std::string_view name = "Grant";
  static constexpr auto fields =
      std::tuple{field(&V::repo_id, "repo_id", "The model."),
                 field(&V::permitted_from_ts, "permitted_from_ts", "The first second of the grant."),
                 field(&V::permitted_until_ts, "permitted_until_ts", "Its last second; null: it does not end."),
                 field(&V::platform_user_id, "platform_user_id", "Whom the grant is for."),
                 field(&V::permissions, "permissions", "download, run.")};
};

template <>
struct Schema<registry::GrantsQuery> {
  using V = registry::GrantsQuery;
  static constexpr std::string_view name = "GrantsQuery";
  static constexpr auto fields = std::tuple{
      field(&V::platform_user_id, "platform_user_id", "Grants of this user only.", {.in = In::query}),
      field(&V::limit, "limit", "Rows a page; all of a user's without it.", {.in = In::query, .min = 1, .max = 500}),
      field(&V::offset, "offset", "Rows to leave out.", {.in = In::query, .min = 0})};
};

template <>
struct Schema<registry::GrantKey> {
  using V = registry::GrantKey;
  static constexpr std::string_view name = "GrantKey";
  static constexpr auto fields =
      std::tuple{field(&V::platform_user_id, "platform_user_id", "Whose grant.", {.in = In::query}),
                 field(&V::repo_id, "repo_id", "For which model.", {.in = In::query})};
};

template <>
struct Schema<registry::LogsQuery> {
  using V = registry::LogsQuery;
  static constexpr std::string_view name = "AccessLogsQuery";
  static constexpr auto fields =
      std::tuple{field(&V::since, "since", "The first second.", {.in = In::query}),
                 field(&V::until, "until", "The last second.", {.in = In::query}),
                 field(&V::user_id, "user_id", "Of this user only.", {.in = In::query}),
                 field(&V::repo_id, "repo_id", "Of this model only.", {.in = In::query}),
                 field(&V::event_type, "event_type", "Of this event only.", {.in = In::query}),
                 field(&V::cursor, "cursor", "The X-Next-Cursor of the page before.", {.in = In::query}),
                 field(&V::limit, "limit", "Rows a page, 100 if absent.", {.in = In::query, .min = 1, .max = 1000})};
};

template <>
struct Schema<registry::LogView> {
  using V = registry::LogView;
  static constexpr std::string_view name = "AccessLogRow";
  static constexpr auto fields =
      std::tuple{field(&V::id, "id", "The row's number."),
                 field(&V::ts, "ts", "When, in seconds."),
                 field(&V::user_id, "user_id", "Who."),
                 field(&V::api_key_id, "api_key_id", "With which key."),
                 field(&V::event_type, "event_type", "What.", {.example = "download_url_issued"}),
                 field(&V::repo_id, "repo_id", "With which model."),
                 field(&V::rfilename, "rfilename", "With which file."),
                 field(&V::version, "version", "Of which version."),
                 field(&V::object_key, "object_key", "Its key in the object store."),
                 field(&V::size, "size", "The file's size."),
                 field(&V::bytes, "bytes", "Payload bytes that were sent."),
                 field(&V::status, "status", "ok, denied or error."),
                 field(&V::remote_addr, "remote_addr", "The client's address."),
                 field(&V::user_agent, "user_agent", "The client's program."),
                 field(&V::request_id, "request_id", "The request.")};
};

}  // namespace toll::json
