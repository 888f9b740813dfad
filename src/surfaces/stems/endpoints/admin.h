// What an administrator sees and does.
#pragma once

#include "identity/admin.h"
#include "surfaces/stems/endpoints/credits.h"
#include "surfaces/stems/endpoints/jobs.h"

namespace toll::stems {

struct AdminEndpoint : Endpoint {
  static constexpr Access access = Access::admin;
};

struct Page {
  std::optional<std::int64_t> limit, before;
};

struct AdminUser {
  std::int64_t id = 0;
  std::string email, username;
  Amount credits;
  Bit is_admin, active;
  Stamp created_at;
  std::int64_t job_count = 0;
};

struct AdminUserList {
  std::vector<AdminUser> users;
};

struct ListUsers : AdminEndpoint {
  using Request = Page;
  using Response = AdminUserList;
  static constexpr Route route{Method::get, "/admin/users"};
  static constexpr std::string_view id = "stems.admin.users.list", summary = "All accounts, newest first";
  static Result<Response> handle(Call& call, const Request& in) {
    const auto limit = static_cast<std::size_t>(in.limit.value_or(100));
    auto found =
        call.house.accounts.list(call.tx(), limit + 1, in.before ? std::optional(AccountId(*in.before)) : std::nullopt);
    if (found.size() > limit) {
      found.pop_back();
      call.reply.set("Link", "</admin/users?limit=" + std::to_string(limit) +
                                 "&before=" + std::to_string(found.back().id.value()) + ">; rel=\"next\"");
    }
    AdminUserList out;
    for (const auto& a : found)
      out.users.push_back({a.id.value(),
                           a.email,
                           a.username,
                           {call.house.ledger.balance(call.tx(), a.id)},
                           {a.is_admin},
                           {a.active},
                           {a.created_at},
                           call.house.queue.count(call.tx(), a.id)});
    return out;
  }
};

struct UserPath {
  std::int64_t id = 0;
};

struct AdminUserJob {
  std::string id, filename, model, status;
  Bit archived;
  Stamp created_at;
};

struct AdminTransaction {
  std::int64_t id = 0;
  Amount amount;
  std::string description;
  Amount balance_after;
  Stamp created_at;
};

struct AdminUserDetail {
  std::int64_t id = 0;
  std::string email, username;
  Amount credits;
  Bit is_admin, active;
  Stamp created_at, updated_at;
  std::vector<AdminUserJob> jobs;
  std::vector<AdminTransaction> transactions;
};

struct GetUser : AdminEndpoint {
  using Request = UserPath;
  using Response = AdminUserDetail;
  static constexpr Route route{Method::get, "/admin/users/{id}"};
  static constexpr std::string_view id = "stems.admin.users.get",
                                    summary = "One account with its latest jobs and transactions";
  static constexpr std::array reasons{Reason::account_not_found};
  static Result<Response> handle(Call& call, const Request& in) {
    auto account = call.house.accounts.find(call.tx(), AccountId(in.id));
    if (!account) return Reason::account_not_found;
    AdminUserDetail out{account->id.value(),
                        account->email,
                        account->username,
                        {call.house.ledger.balance(call.tx(), account->id)},
                        {account->is_admin},
                        {account->active},
                        {account->created_at},
                        {account->updated_at},
                        {},
                        {}};
    auto jobs = call.house.separations.list(call.tx(), {account->id, {}, {}, 100});
    if (!jobs) return std::move(jobs).error();
    for (const auto& s : *jobs)
      out.jobs.push_back({s.job.id.value(),
                          s.filename,
                          s.model,
                          std::string(to_string(s.job.state)),
                          {s.archived},
                          {s.job.created_at}});
    for (const auto& e : call.house.ledger.history(call.tx(), account->id, 100))
      out.transactions.push_back({e.id, {e.amount}, e.description, {e.balance_after}, {e.created_at}});
    return out;
  }
};

struct Adjusted {
  bool success = true;
  Amount new_balance;
};

struct AdjustCredits : AdminEndpoint {
  struct Request {
    std::int64_t id = 0;
    Amount amount;
    std::optional<std::string> description;
  };
  using Response = Adjusted;
  static constexpr Route route{Method::post, "/admin/users/{id}/credits"};
  static constexpr std::string_view id = "stems.admin.users.credits", summary = "Give or take credits";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true, takes_forms = true;
  static constexpr std::array reasons{Reason::account_not_found, Reason::balance_below_zero};
  static void check(const Call&, const Request& in, api::Checks& checks) {
    if (in.amount.credits.micros == 0) checks.refuse("amount", std::int64_t{0}, "must not be 0");
  }
  static Result<Response> handle(Call& call, const Request& in) {
    auto entry =
        identity::adjust_credits(call.tx(), call.house.clock, call.house.accounts, call.house.ledger, AccountId(in.id),
                                 in.amount.credits, in.description.value_or("Admin credit adjustment"),
                                 "admin:" + std::to_string(call.account().value()), call.actor());
    if (!entry) return std::move(entry).error();
    return Adjusted{true, {entry->balance_after}};
  }
};

struct Toggled {
  bool success = true;
  Bit active;
};

struct ToggleActive : AdminEndpoint {
  using Request = UserPath;
  using Response = Toggled;
  static constexpr Route route{Method::post, "/admin/users/{id}/toggle-active"};
  static constexpr std::string_view id = "stems.admin.users.toggle",
                                    summary = "Disable or enable an account; binds its keys and sessions at once";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::account_not_found, Reason::cannot_disable_admin};
  static Result<Response> handle(Call& call, const Request& in) {
    auto active = identity::toggle_active(call.tx(), call.house.accounts, AccountId(in.id), call.actor());
    if (!active) return std::move(active).error();
    return Toggled{true, {*active}};
  }
};

struct AdminJob {
  std::string id;
  std::int64_t user_id = 0;
  std::string username, filename, model, status;
  Bit archived;
  Stamp created_at;
  std::optional<Stamp> completed_at;
};

struct AdminJobList {
  std::vector<AdminJob> jobs;
};

struct ListAllJobs : AdminEndpoint {
  struct Request {
    std::optional<std::int64_t> limit;
    std::optional<std::string> before, status;
  };
  using Response = AdminJobList;
  static constexpr Route route{Method::get, "/admin/jobs"};
  static constexpr std::string_view id = "stems.admin.jobs.list", summary = "All accounts' jobs, newest first";
  static Result<Response> handle(Call& call, const Request& in) {
    const auto limit = static_cast<std::size_t>(in.limit.value_or(100));
    separations::Listing wanted{{}, {}, {}, limit + 1};
    if (in.before) wanted.before = JobId(*in.before);
    if (in.status) wanted.status = jobs::state_from(*in.status);
    if (in.status && !wanted.status)
      return ListJobs::refused("status", "must be pending, processing, completed, failed or cancelled", *in.status);
    auto found = call.house.separations.list(call.tx(), wanted);
    if (!found) return ListJobs::refused("before", "must be the id of a job", in.before.value_or(""));
    if (found->size() > limit) {
      found->pop_back();
      call.reply.set("Link", "</admin/jobs?limit=" + std::to_string(limit) +
                                 (in.status ? "&status=" + *in.status : "") +
                                 "&before=" + found->back().job.id.value() + ">; rel=\"next\"");
    }
    AdminJobList out;
    for (const auto& s : *found) {
      auto account = call.house.accounts.find(call.tx(), s.job.account);
      out.jobs.push_back({s.job.id.value(),
                          s.job.account.value(),
                          account ? account->username : "",
                          s.filename,
                          s.model,
                          std::string(to_string(s.job.state)),
                          {s.archived},
                          {s.job.created_at},
                          stamp(s.job.completed_at)});
    }
    return out;
  }
};

struct Archived {
  bool success = true, archived = true;
};

struct ArchiveJob : AdminEndpoint {
  using Request = JobPath;
  using Response = Archived;
  static constexpr Route route{Method::post, "/admin/jobs/{id}/archive"};
  static constexpr std::string_view id = "stems.admin.jobs.archive",
                                    summary = "Cancel open work and delete the files; the row stays";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::job_not_found};
  static Result<Response> handle(Call& call, const Request& in) {
    if (auto done = call.house.separations.archive(call.tx(), JobId(in.id)); !done) return std::move(done).error();
    identity::audit(call.tx(), call.now, call.actor(), {"job.archive", "job:" + in.id, {}});
    return Archived{};
  }
};

struct AdminDeleted {
  bool success = true, deleted = true;
};

struct AdminDeleteJob : AdminEndpoint {
  using Request = JobPath;
  using Response = AdminDeleted;
  static constexpr Route route{Method::delete_, "/admin/jobs/{id}"};
  static constexpr std::string_view id = "stems.admin.jobs.delete", summary = "As the owner's delete";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::job_not_found};
  static Result<Response> handle(Call& call, const Request& in) {
    if (auto done = call.house.separations.remove_any(call.tx(), JobId(in.id)); !done) return std::move(done).error();
    identity::audit(call.tx(), call.now, call.actor(), {"job.delete", "job:" + in.id, {}});
    return AdminDeleted{};
  }
};

}  // namespace toll::stems

namespace toll::json {

template <>
struct Schema<stems::Page> {
  using R = stems::Page;
  static constexpr std::string_view name = "Page";
  static constexpr auto fields =
      std::tuple{field(&R::limit, "limit", "How many; 100 if absent.", {.in = In::query, .min = 1, .max = 500}),
                 field(&R::before, "before", "Accounts with a smaller id.", {.in = In::query})};
};

template <>
struct Schema<stems::AdminUser> {
  using V = stems::AdminUser;
  static constexpr std::string_view name = "AdminUser";
  static constexpr auto fields = std::tuple{field(&V::id, "id", ""),
                                            field(&V::email, "email", ""),
                                            field(&V::username, "username", ""),
                                            field(&V::credits, "credits", ""),
                                            field(&V::is_admin, "is_admin", ""),
                                            field(&V::active, "active", ""),
                                            field(&V::created_at, "created_at", ""),
                                            field(&V::job_count, "job_count", "")};
};

template <>
struct Schema<stems::AdminUserList> {
  static constexpr std::string_view name = "AdminUserList";
  static constexpr auto fields = std::tuple{field(&stems::AdminUserList::users, "users", "Newest first.")};
};

template <>
struct Schema<stems::UserPath> {
  static constexpr std::string_view name = "UserPath";
  static constexpr auto fields = std::tuple{field(&stems::UserPath::id, "id", "The account's id.", {.in = In::path})};
};

template <>
struct Schema<stems::AdminUserJob> {
  using V = stems::AdminUserJob;
  static constexpr std::string_view name = "AdminUserJob";
  static constexpr auto fields = std::tuple{
      field(&V::id, "id", ""),         field(&V::filename, "filename", ""), field(&V::model, "model", ""),
      field(&V::status, "status", ""), field(&V::archived, "archived", ""), field(&V::created_at, "created_at", "")};
};

template <>
struct Schema<stems::AdminTransaction> {
  using V = stems::AdminTransaction;
  static constexpr std::string_view name = "AdminTransaction";
  static constexpr auto fields =
      std::tuple{field(&V::id, "id", ""), field(&V::amount, "amount", ""), field(&V::description, "description", ""),
                 field(&V::balance_after, "balance_after", ""), field(&V::created_at, "created_at", "")};
};

template <>
struct Schema<stems::AdminUserDetail> {
  using V = stems::AdminUserDetail;
  static constexpr std::string_view name = "AdminUserDetail";
  static constexpr auto fields = std::tuple{field(&V::id, "id", ""),
                                            field(&V::email, "email", ""),
                                            field(&V::username, "username", ""),
                                            field(&V::credits, "credits", ""),
                                            field(&V::is_admin, "is_admin", ""),
                                            field(&V::active, "active", ""),
                                            field(&V::created_at, "created_at", ""),
                                            field(&V::updated_at, "updated_at", ""),
                                            field(&V::jobs, "jobs", "The latest 100."),
                                            field(&V::transactions, "transactions", "The latest 100.")};
};

template <>
struct Schema<stems::AdjustCredits::Request> {
  using R = stems::AdjustCredits::Request;
  static constexpr std::string_view name = "AdjustCredits";
  static constexpr auto fields =
      std::tuple{field(&R::id, "id", "The account's id.", {.in = In::path}),
                 field(&R::amount, "amount", "Decimal, not 0, at most 6 places."),
                 field(&R::description, "description", "Shown in the history.", {.max = 500})};
};

template <>
struct Schema<stems::Adjusted> {
  using V = stems::Adjusted;
  static constexpr std::string_view name = "Adjusted";
  static constexpr auto fields =
      std::tuple{field(&V::success, "success", ""), field(&V::new_balance, "new_balance", "")};
};

template <>
struct Schema<stems::Toggled> {
  using V = stems::Toggled;
  static constexpr std::string_view name = "Toggled";
  static constexpr auto fields = std::tuple{field(&V::success, "success", ""), field(&V::active, "active", "")};
};

template <>
struct Schema<stems::AdminJob> {
  using V = stems::AdminJob;
  static constexpr std::string_view name = "AdminJob";
  static constexpr auto fields = std::tuple{field(&V::id, "id", ""),
                                            field(&V::user_id, "user_id", ""),
                                            field(&V::username, "username", ""),
                                            field(&V::filename, "filename", ""),
                                            field(&V::model, "model", ""),
                                            field(&V::status, "status", ""),
                                            field(&V::archived, "archived", ""),
                                            field(&V::created_at, "created_at", ""),
                                            field(&V::completed_at, "completed_at", "")};
};

template <>
struct Schema<stems::AdminJobList> {
  static constexpr std::string_view name = "AdminJobList";
  static constexpr auto fields = std::tuple{field(&stems::AdminJobList::jobs, "jobs", "Newest first.")};
};

template <>
struct Schema<stems::ListAllJobs::Request> {
  using R = stems::ListAllJobs::Request;
  static constexpr std::string_view name = "ListAllJobs";
  static constexpr auto fields =
      std::tuple{field(&R::limit, "limit", "How many; 100 if absent.", {.in = In::query, .min = 1, .max = 500}),
                 field(&R::before, "before", "Jobs older than this one.", {.in = In::query}),
                 field(&R::status, "status", "Only jobs in this status.", {.in = In::query})};
};

template <>
struct Schema<stems::Archived> {
  using V = stems::Archived;
  static constexpr std::string_view name = "Archived";
  static constexpr auto fields = std::tuple{field(&V::success, "success", ""), field(&V::archived, "archived", "")};
};

template <>
struct Schema<stems::AdminDeleted> {
  using V = stems::AdminDeleted;
  static constexpr std::string_view name = "AdminDeleted";
  static constexpr auto fields = std::tuple{field(&V::success, "success", ""), field(&V::deleted, "deleted", "")};
};

}  // namespace toll::json
