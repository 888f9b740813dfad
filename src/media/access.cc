#include "media/access.h"

#include <fmt/format.h>

#include <array>

#include "identity/names.h"

namespace toll::media {

namespace {

constexpr std::array<std::string_view, 4> names{"NONE", "PENDING", "APPROVED", "REJECTED"};
constexpr std::string_view select =
    "SELECT id, account_id, status, mutation_quota, query_quota, reason, created_at, decided_at FROM access_requests ";

AccessRequest request_of(const sql::Row& row) {
  AccessRequest request;
  request.id = row.text(0);
  request.account = AccountId(row.integer(1));
  request.status = access_state_from(row.text(2)).value();
  request.mutation_quota = row.integer(3);
  request.query_quota = row.integer(4);
  request.reason = row.maybe_text(5);
  request.created_at = row.time(6);
  request.decided_at = row.maybe_time(7);
  return request;
}

std::string where(const ListAccess& which) {
  return which.status ? fmt::format("WHERE status = '{}' ", to_string(*which.status)) : "";
}

}  // namespace

std::string_view to_string(AccessState state) {
  return names[static_cast<std::size_t>(state)];
}

std::optional<AccessState> access_state_from(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<AccessState>(i);
  return std::nullopt;
}

AccessState Access::state(sql::Tx& tx, AccountId account) const {
  if (!needs_approval_) return AccessState::approved;
  if (tx.one("SELECT 1 FROM access_requests WHERE account_id = $1 AND status = 'APPROVED' LIMIT 1", account))
    return AccessState::approved;
  const auto last = newest(tx, account);
  return last ? last->status : AccessState::none;
}

Result<void> Access::check(sql::Tx& tx, AccountId account) const {
  if (state(tx, account) == AccessState::approved) return {};
  return Reason::access_not_approved;
}

Result<AccessRequest> Access::ask(sql::Tx& tx, AccountId account, std::int64_t mutation_quota, std::int64_t query_quota,
                                  const identity::Actor& by) const {
  // The account's row is the guard: of two at once the second sees the first.
  tx.exec("UPDATE accounts SET updated_at = updated_at WHERE id = $1", account);
  const auto last = newest(tx, account);
  if (last && last->status == AccessState::pending) return Reason::access_pending;
  const auto id = random_.uuid4();
  const auto now = clock_.now();
  tx.exec(
      "INSERT INTO access_requests (id, sequence, account_id, status, mutation_quota, query_quota, created_at) VALUES "
      "($1, (SELECT coalesce(max(sequence), 0) + 1 FROM access_requests), $2, 'PENDING', $3, $4, $5)",
      id, account, mutation_quota, query_quota, now);
  identity::audit(tx, now, by,
                  {"access.ask", "access:" + id,
                   fmt::format("account {}, mutation {}, query {}", account.value(), mutation_quota, query_quota)});
  return newest(tx, account).value();
}

std::optional<AccessRequest> Access::newest(sql::Tx& tx, AccountId account) const {
  const auto row = tx.one(std::string(select) + "WHERE account_id = $1 ORDER BY sequence DESC LIMIT 1", account);
  return row ? std::optional(request_of(*row)) : std::nullopt;
}

std::vector<AccessRequest> Access::list(sql::Tx& tx, const ListAccess& which) const {
  std::vector<AccessRequest> out;
  for (const auto& row : tx.query(std::string(select) + where(which) + "ORDER BY sequence DESC LIMIT $1 OFFSET $2",
                                  which.limit, which.offset))
    out.push_back(request_of(row));
  return out;
}

std::int64_t Access::count(sql::Tx& tx, const ListAccess& which) const {
  return tx.one("SELECT count(*) FROM access_requests " + where(which)).value().integer(0);
}

Result<AccessRequest> Access::decide(sql::Tx& tx, std::string_view id, bool approve, std::optional<std::string> reason,
                                     const identity::Actor& by) const {
  if (!identity::is_uuid(id)) return Reason::access_request_not_found;
  const auto now = clock_.now();
  const auto changed = tx.exec(
      "UPDATE access_requests SET status = $2, reason = $3, decided_at = $4 WHERE id = $1 AND status = 'PENDING'", id,
      to_string(approve ? AccessState::approved : AccessState::rejected), reason, now);
  const auto row = tx.one(std::string(select) + "WHERE id = $1", id);
  if (!row) return Reason::access_request_not_found;
  if (changed == 0) return Reason::access_decided;
  auto request = request_of(*row);
  if (approve) keys_.set_limits(tx, request.account, {request.query_quota, request.mutation_quota}, by);
  identity::audit(tx, now, by,
                  {approve ? "access.approve" : "access.reject", "access:" + request.id,
                   fmt::format("account {}", request.account.value())});
  return request;
}

}  // namespace toll::media
