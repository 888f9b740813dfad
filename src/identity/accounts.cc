#include "identity/accounts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "identity/credential_cache.h"

namespace toll::identity {

namespace {

constexpr std::string_view select =
    "SELECT id, email, username, is_admin, active, plan, created_at, updated_at, limit_minute, limit_hour, limit_day "
    "FROM accounts ";

std::string selecting(std::string_view rest) {
  return std::string(select) + std::string(rest);
}

Account account_of(const sql::Row& row) {
  return {.id = AccountId(row.integer(0)),
          .email = row.text(1),
          .username = row.text(2),
          .is_admin = row.boolean(3),
          .active = row.boolean(4),
          .plan = plan_from(row.text(5)).value_or(Plan::free),
          .own_limits = {row.maybe_integer(8), row.maybe_integer(9), row.maybe_integer(10)},
          .created_at = row.time(6),
          .updated_at = row.time(7)};
}

void add_problem(std::vector<FieldProblem>& problems, const char* field, Problem problem,
                 std::optional<std::string> message) {
  if (message) problems.push_back({.path = {std::string(field)}, .problem = problem, .message = std::move(*message)});
}

Result<void> valid_or_fault(std::vector<FieldProblem> problems) {
  if (problems.empty()) return {};
  return Fault(Reason::invalid_request).at(std::move(problems));
}

std::string object_name(AccountId id) {
  return fmt::format("account:{}", id.value());
}

bool taken(sql::Tx& tx, const char* column, std::string_view folded, AccountId except = {}) {
  return tx.one(fmt::format("SELECT 1 FROM accounts WHERE {} = $1 AND id <> $2", column), folded, except).has_value();
}

}  // namespace

Accounts::Accounts(const Clock& clock, CredentialCache& cache, Options options)
    : clock_(clock), cache_(cache), options_(std::move(options)) {
  for (auto& email : options_.admin_emails) email = fold(trim(email));
}

bool Accounts::becomes_admin(sql::Tx& tx, std::string_view folded_email) const {
  const auto& named = options_.admin_emails;
  if (!named.empty()) return std::find(named.begin(), named.end(), folded_email) != named.end();
  // The insert waits for another registration that has done the same and not ended yet.
  const auto marked = tx.exec(
      "INSERT INTO identity_marks (name, created_at) VALUES ('first_account', $1) ON CONFLICT (name) DO NOTHING",
      clock_.now());
  // Who only holds a registry key has no password and administers nothing.
  return marked == 1 && !tx.one("SELECT 1 FROM accounts WHERE password_hash <> '' LIMIT 1");
}

Result<Account> Accounts::create(sql::Tx& tx, const NewAccount& account, const Actor& by) const {
  std::vector<FieldProblem> problems;
  add_problem(problems, "email", Problem::bad_email, email_problem(account.email));
  add_problem(problems, "username", Problem::rejected, username_problem(account.username));
  TOLL_TRY(valid_or_fault(std::move(problems)));

  const auto email_folded = fold(account.email), username_folded = fold(trim(account.username));
  // Looked for first so that the usual case names the email before the name; the unique indexes decide races.
  if (taken(tx, "email_folded", email_folded)) return Reason::email_taken;
  if (taken(tx, "username_folded", username_folded)) return Reason::username_taken;
  const bool admin = becomes_admin(tx, email_folded);
  const auto now = clock_.now();
  const auto row = tx.one(
      "INSERT INTO accounts (email, email_folded, username, username_folded, password_hash, is_admin, active, plan, "
      "created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $8) RETURNING id, email, username, is_admin, "
      "active, plan, created_at, updated_at, limit_minute, limit_hour, limit_day",
      account.email, email_folded, trim(account.username), username_folded, account.password_hash, admin,
      to_string(options_.plan), now);
  auto made = account_of(row.value());
  audit(tx, now, by, {"account.create", object_name(made.id), admin ? "administrator" : ""});
  return made;
}

std::optional<Account> Accounts::find(sql::Tx& tx, AccountId id) const {
  const auto row = tx.one(selecting("WHERE id = $1"), id);
  if (!row) return std::nullopt;
  return account_of(*row);
}

std::optional<Account> Accounts::find_by_email(sql::Tx& tx, std::string_view email) const {
  if (email_problem(email)) return std::nullopt;
  const auto row = tx.one(selecting("WHERE email_folded = $1"), fold(email));
  if (!row) return std::nullopt;
  return account_of(*row);
}

std::vector<Account> Accounts::list(sql::Tx& tx, std::size_t limit, std::optional<AccountId> before) const {
  std::vector<Account> out;
  for (const auto& row :
       tx.query(selecting("WHERE id < $1 ORDER BY id DESC LIMIT $2"), before.value_or(AccountId(INT64_MAX)), limit))
    out.push_back(account_of(row));
  return out;
}

std::optional<std::string> Accounts::password_hash(sql::Tx& tx, AccountId id) const {
  const auto row = tx.one("SELECT password_hash FROM accounts WHERE id = $1", id);
  if (!row) return std::nullopt;
  return row->text(0);
}

Result<void> Accounts::changed(sql::Tx& tx, AccountId id, std::int64_t rows, const Actor& by, std::string_view action,
                               std::string detail) const {
  if (rows == 0) return Reason::account_not_found;
  audit(tx, clock_.now(), by, {action, object_name(id), std::move(detail)});
  tx.after_commit([&cache = cache_, id] { cache.forget(id); });
  return {};
}

Result<void> Accounts::set_email(sql::Tx& tx, AccountId id, std::string_view email, const Actor& by) const {
  std::vector<FieldProblem> problems;
  add_problem(problems, "email", Problem::bad_email, email_problem(email));
  TOLL_TRY(valid_or_fault(std::move(problems)));
  const auto folded = fold(email);
  if (taken(tx, "email_folded", folded, id)) return Reason::email_taken;
  return changed(tx, id,
                 tx.exec("UPDATE accounts SET email = $2, email_folded = $3, updated_at = $4 WHERE id = $1", id, email,
                         folded, clock_.now()),
                 by, "account.email");
}

Result<void> Accounts::set_username(sql::Tx& tx, AccountId id, std::string_view username, const Actor& by) const {
  username = trim(username);
  if (valid_utf8(username) && utf8_length(username) < min_username_length) return Reason::username_too_short;
  std::vector<FieldProblem> problems;
  add_problem(problems, "username", Problem::rejected, username_problem(username));
  TOLL_TRY(valid_or_fault(std::move(problems)));
  const auto folded = fold(username);
  if (taken(tx, "username_folded", folded, id)) return Reason::username_taken;
  return changed(tx, id,
                 tx.exec("UPDATE accounts SET username = $2, username_folded = $3, updated_at = $4 WHERE id = $1", id,
                         username, folded, clock_.now()),
                 by, "account.username");
}

Result<void> Accounts::set_password_hash(sql::Tx& tx, AccountId id, std::string_view hash, const Actor& by) const {
  tx.exec("DELETE FROM sessions WHERE account_id = $1", id);
  return changed(
      tx, id, tx.exec("UPDATE accounts SET password_hash = $2, updated_at = $3 WHERE id = $1", id, hash, clock_.now()),
      by, "account.password");
}

Result<void> Accounts::set_active(sql::Tx& tx, AccountId id, bool active, const Actor& by) const {
  if (!active) {
    const auto rows =
        tx.exec("UPDATE accounts SET active = 0, updated_at = $2 WHERE id = $1 AND is_admin = 0", id, clock_.now());
    if (rows == 0 && find(tx, id)) return Reason::cannot_disable_admin;
    tx.exec("DELETE FROM sessions WHERE account_id = $1", id);
    return changed(tx, id, rows, by, "account.disable");
  }
  return changed(tx, id, tx.exec("UPDATE accounts SET active = 1, updated_at = $2 WHERE id = $1", id, clock_.now()), by,
                 "account.enable");
}

Result<void> Accounts::set_admin(sql::Tx& tx, AccountId id, bool admin, const Actor& by) const {
  return changed(tx, id,
                 tx.exec("UPDATE accounts SET is_admin = $2, updated_at = $3 WHERE id = $1", id, admin, clock_.now()),
                 by, admin ? "account.make_admin" : "account.unmake_admin");
}

Result<void> Accounts::set_plan(sql::Tx& tx, AccountId id, Plan plan, const Actor& by) const {
  return changed(
      tx, id,
      tx.exec("UPDATE accounts SET plan = $2, updated_at = $3 WHERE id = $1", id, to_string(plan), clock_.now()), by,
      "account.plan", std::string(to_string(plan)));
}

Result<void> Accounts::set_own_limits(sql::Tx& tx, AccountId id, const OwnLimits& limits, const Actor& by) const {
  auto said = [](const std::optional<std::int64_t>& limit) { return limit ? std::to_string(*limit) : "standard"; };
  return changed(tx, id,
                 tx.exec("UPDATE accounts SET limit_minute = $2, limit_hour = $3, limit_day = $4, updated_at = $5 "
                         "WHERE id = $1",
                         id, limits.minute, limits.hour, limits.day, clock_.now()),
                 by, "account.limits",
                 fmt::format("{}/min {}/h {}/d", said(limits.minute), said(limits.hour), said(limits.day)));
}

Result<void> Accounts::remove(sql::Tx& tx, AccountId id, const Actor& by) const {
  return changed(tx, id, tx.exec("DELETE FROM accounts WHERE id = $1", id), by, "account.delete");
}

}  // namespace toll::identity
