#include "models/grants.h"

#include <fmt/format.h>

namespace toll::models {

namespace {

// When the feed has to speak of a grant next: as it begins, and in the second after its last one.
std::optional<std::int64_t> next_due(std::int64_t from, std::optional<std::int64_t> until, std::int64_t now) {
  if (from > now) return from;
  if (until && *until >= now) return *until == INT64_MAX ? *until : *until + 1;
  return std::nullopt;
}

std::string words(bool download, bool run) {
  return download && run ? "download run" : download ? "download" : run ? "run" : "";
}

AccessRow about(std::string_view repo_id) {
  AccessRow row;
  row.repo_id = std::string(repo_id);
  return row;
}

std::optional<RepoKey> present(sql::Tx& tx, std::string_view repo_id) {
  const auto row = tx.one("SELECT id FROM model_repos WHERE repo_id = $1 AND deleted = 0", repo_id);
  return row ? std::optional(RepoKey(row->integer(0))) : std::nullopt;
}

}  // namespace

Grants::Grants(const Clock& clock, const Feed& feed, const AccessLog& log) : clock_(clock), feed_(feed), log_(log) {}

Result<void> Grants::set(sql::Tx& tx, const Grant& grant, const Trace& trace) const {
  // The account's row, so that it does not leave meanwhile.
  if (tx.exec("UPDATE accounts SET updated_at = updated_at WHERE id = $1", grant.account) == 0)
    return Reason::account_not_found;
  const auto repo = present(tx, grant.repo_id);
  if (!repo) return Reason::model_not_found;
  const auto now = to_seconds(clock_.now());
  const bool active = grant.from_ts <= now && (!grant.until_ts || *grant.until_ts >= now);
  const auto before =
      tx.one("SELECT from_ts FROM model_grants WHERE account_id = $1 AND repo = $2", grant.account, *repo);
  const bool had_begun = before && before->integer(0) <= now;
  tx.exec(
      "INSERT INTO model_grants (account_id, repo, from_ts, until_ts, download, run, due_at) VALUES ($1, $2, $3, $4, "
      "$5, "
      "$6, $7) ON CONFLICT (account_id, repo) DO UPDATE SET from_ts = excluded.from_ts, until_ts = excluded.until_ts, "
      "download = excluded.download, run = excluded.run, due_at = excluded.due_at",
      grant.account, *repo, grant.from_ts, grant.until_ts, grant.download, grant.run,
      next_due(grant.from_ts, grant.until_ts, now));
  feed_.touch(tx, *repo, Change::access);
  // Who has never seen the model is not told that it is there.
  if (!active && had_begun) feed_.departed(tx, *repo, grant.account, Change::access);
  log_.write(tx, trace, "grant_set", about(grant.repo_id));
  log_.audit(tx, trace, "grant.set", fmt::format("account:{}", grant.account.value()),
             fmt::format("{} {}", grant.repo_id, words(grant.download, grant.run)));
  return {};
}

bool Grants::remove(sql::Tx& tx, AccountId account, std::string_view repo_id, const Trace& trace) const {
  const auto repo = present(tx, repo_id);
  if (!repo) return false;
  const auto gone =
      tx.one("DELETE FROM model_grants WHERE account_id = $1 AND repo = $2 RETURNING from_ts", account, *repo);
  if (!gone) return false;
  feed_.touch(tx, *repo, Change::access);
  if (gone->integer(0) <= to_seconds(clock_.now())) feed_.departed(tx, *repo, account, Change::access);
  log_.write(tx, trace, "grant_deleted", about(repo_id));
  log_.audit(tx, trace, "grant.delete", fmt::format("account:{}", account.value()), std::string(repo_id));
  return true;
}

std::vector<Grant> Grants::list(sql::Tx& tx, std::optional<AccountId> account, std::optional<std::int64_t> limit,
                                std::int64_t offset) const {
  std::vector<Grant> out;
  for (const auto& row :
       tx.query("SELECT g.account_id, r.repo_id, g.from_ts, g.until_ts, g.download, g.run FROM model_grants g JOIN "
                "model_repos r ON r.id = g.repo WHERE g.account_id = coalesce($1, g.account_id) ORDER BY g.account_id, "
                "r.repo_id LIMIT $2 OFFSET $3",
                account, limit.value_or(INT64_MAX), offset))
    out.push_back({.account = AccountId(row.integer(0)),
                   .repo_id = row.text(1),
                   .from_ts = row.integer(2),
                   .until_ts = row.maybe_integer(3),
                   .download = row.boolean(4),
                   .run = row.boolean(5)});
  return out;
}

std::size_t Grants::tick(sql::Tx& tx, std::size_t limit) const {
  const auto now = to_seconds(clock_.now());
  const auto rows = tx.query(
      "SELECT account_id, repo, from_ts, until_ts, due_at FROM model_grants WHERE due_at <= $1 ORDER BY due_at LIMIT "
      "$2",
      now, limit);
  std::size_t done = 0;
  for (const auto& row : rows) {
    const AccountId account(row.integer(0));
    const RepoKey repo(row.integer(1));
    const auto until = row.maybe_integer(3);
    const auto changed =
        tx.exec("UPDATE model_grants SET due_at = $4 WHERE account_id = $1 AND repo = $2 AND due_at = $3", account,
                repo, row.integer(4), next_due(row.integer(2), until, now));
    if (changed == 0) continue;
    ++done;
    feed_.touch(tx, repo, Change::access);
    if (until && *until < now) feed_.departed(tx, repo, account, Change::access);
  }
  return done;
}

}  // namespace toll::models
