#include "models/feed.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "base/random.h"
#include "base/text.h"

namespace toll::models {

namespace {

constexpr std::int64_t every_developer = 0, every_administrator = -1;

struct Position {
  std::int64_t second = 0, seq = 0;
  auto operator<=>(const Position&) const = default;
};

struct Numbered {
  Position at;
  FeedRow row;
};

// What a snapshot says of the feed as a whole.
struct Head {
  Position end;
  std::int64_t closed = 0;
};

std::string checksum(std::string_view text) {
  return base62(crc32(text), 6);
}

std::string to_cursor(Position at) {
  const auto text = fmt::format("{}.{}", at.second, at.seq);
  return base64url(text + "." + checksum(text));
}

std::optional<Position> from_cursor(std::string_view cursor) {
  const auto plain = from_base64url(cursor);
  if (!plain) return std::nullopt;
  const auto last = plain->rfind('.');
  const auto first = plain->find('.');
  if (last == plain->npos || first == last) return std::nullopt;
  const auto text = std::string_view(*plain).substr(0, last);
  if (checksum(text) != std::string_view(*plain).substr(last + 1)) return std::nullopt;
  const auto second = parse_int(text.substr(0, first)), seq = parse_int(text.substr(first + 1));
  if (!second || !seq) return std::nullopt;
  return Position{*second, *seq};
}

Head head_of(sql::Tx& tx) {
  const auto row = tx.one("SELECT stamp, seq, closed FROM model_feed WHERE id = 1").value();
  return {{row.integer(0), row.integer(1)}, row.integer(2)};
}

Numbered numbered(const sql::Row& row, bool deleted) {
  return {{row.integer(1), row.integer(3)}, {row.text(0), row.integer(1), row.text(2), deleted}};
}

// Which rows of model_departures concern a role; $1 is the account.
std::string_view audience(identity::Role role) {
  switch (role) {
    case identity::Role::developer:
      return "(0, $1)";
    case identity::Role::platform:
      return "($1)";
    case identity::Role::admin:
      break;
  }
  return "(-1)";
}

std::vector<Numbered> present(sql::Tx& tx, const Viewer& viewer, std::int64_t now, Position after, std::int64_t limit) {
  std::vector<Numbered> out;
  for (const auto& row :
       tx.query(fmt::format(
                    "SELECT r.repo_id, r.last_update_ts, r.change, r.change_seq FROM model_repos r WHERE r.deleted = "
                    "0 AND {} AND (r.last_update_ts, r.change_seq) > ($3, $4) AND r.last_update_ts <= $5 ORDER BY "
                    "r.last_update_ts, r.change_seq LIMIT $6",
                    visible_to(viewer.role)),
                viewer.account, now, after.second, after.seq, now + 1, limit))
    out.push_back(numbered(row, false));
  return out;
}

// Who registered after a model had gone never saw it.
std::vector<Numbered> departed_rows(sql::Tx& tx, const Viewer& viewer, std::int64_t now, Position after,
                                    std::int64_t limit) {
  std::vector<Numbered> out;
  for (
      const auto& row : tx.query(
          fmt::format(
              "SELECT d.repo_id, d.last_update_ts, d.change, d.change_seq FROM model_departures d WHERE d.account_id "
              "IN "
              "{0} AND (d.last_update_ts, d.change_seq) > ($3, $4) AND d.last_update_ts <= $5 AND d.created_at >= "
              "coalesce((SELECT a.created_at FROM accounts a WHERE a.id = $1), 0) AND NOT EXISTS (SELECT 1 "
              "FROM model_repos r WHERE r.repo_id = d.repo_id AND r.deleted = 0 AND {1}) AND NOT EXISTS (SELECT 1 FROM "
              "model_departures e WHERE e.repo_id = d.repo_id AND e.account_id IN {0} AND e.change_seq > d.change_seq) "
              "ORDER BY d.last_update_ts, d.change_seq LIMIT $6",
              audience(viewer.role), visible_to(viewer.role)),
          viewer.account, now, after.second, after.seq, now + 1, limit))
    out.push_back(numbered(row, true));
  return out;
}

// One more than `limit`, if there are more.
std::vector<Numbered> rows_after(sql::Tx& tx, const Viewer& viewer, std::int64_t now, Position after,
                                 std::int64_t limit) {
  auto rows = present(tx, viewer, now, after, limit + 1);
  auto gone = departed_rows(tx, viewer, now, after, limit + 1);
  if (gone.empty()) return rows;
  const auto middle = static_cast<std::ptrdiff_t>(rows.size());
  std::ranges::move(gone, std::back_inserter(rows));
  std::ranges::inplace_merge(rows, rows.begin() + middle, {}, &Numbered::at);
  if (std::ssize(rows) > limit + 1) rows.resize(static_cast<std::size_t>(limit + 1));
  return rows;
}

// A page ends before a second that it cannot hold whole, unless it holds nothing else: who asks by second alone would
// lose the rest of it.
void cut(std::vector<Numbered>& rows, std::int64_t limit, bool by_second) {
  if (std::ssize(rows) <= limit) return;
  const auto next = rows[static_cast<std::size_t>(limit)].at.second;
  rows.resize(static_cast<std::size_t>(limit));
  if (by_second && rows.front().at.second != next)
    std::erase_if(rows, [&](const Numbered& one) { return one.at.second == next; });
}

template <class F>
auto read_snapshot(sql::Database& db, F f) {
  if (!db.reads_are_cheap()) return db.read(f);
  std::optional<std::invoke_result_t<F&, sql::Tx&>> out;
  db.read_here([&](sql::Tx& tx) { return out.emplace(f(tx)), true; });
  return *std::move(out);
}

}  // namespace

std::string_view to_string(Change change) {
  switch (change) {
    case Change::created:
      return "created";
    case Change::updated:
      return "updated";
    case Change::version:
      return "version";
    case Change::upload:
      return "upload";
    case Change::alias:
      return "alias";
    case Change::visibility:
      return "visibility";
    case Change::access:
      return "access";
    case Change::deleted:
      break;
  }
  return "deleted";
}

void Feed::touch(sql::Tx& tx, RepoKey repo, Change change) const {
  const auto row = tx.one(
      "UPDATE model_feed SET seq = seq + 1, stamp = CASE WHEN stamp >= $1 AND stamp > closed THEN stamp WHEN $1 > "
      "closed "
      "THEN $1 ELSE closed + 1 END WHERE id = 1 RETURNING stamp, seq",
      to_seconds(clock_.now()));
  tx.exec(
      "UPDATE model_repos SET last_update_ts = $2, change_seq = $3, change = $4, revision = revision + 1 WHERE id = $1",
      repo, row->integer(0), row->integer(1), to_string(change));
}

namespace {

void depart(sql::Tx& tx, RepoKey repo, std::int64_t audience, Change change, Time now) {
  tx.exec(
      "INSERT INTO model_departures (account_id, repo_id, last_update_ts, change_seq, change, created_at) SELECT $2, "
      "repo_id, "
      "last_update_ts, change_seq, $3, $4 FROM model_repos WHERE id = $1 ON CONFLICT (account_id, repo_id) DO UPDATE "
      "SET "
      "last_update_ts = excluded.last_update_ts, change_seq = excluded.change_seq, change = excluded.change, "
      "created_at = excluded.created_at",
      repo, audience, to_string(change), now);
}

}  // namespace

void Feed::departed(sql::Tx& tx, RepoKey repo, AccountId account, Change change) const {
  depart(tx, repo, account.value(), change, clock_.now());
}

void Feed::departed_from_developers(sql::Tx& tx, RepoKey repo, Change change) const {
  depart(tx, repo, every_developer, change, clock_.now());
}

void Feed::departed_from_administrators(sql::Tx& tx, RepoKey repo, Change change) const {
  depart(tx, repo, every_administrator, change, clock_.now());
}

Result<FeedPage> Feed::page(sql::Database& db, const Viewer& viewer, const FeedQuery& query) const {
  auto after = Position{query.since, INT64_MAX};
  if (query.cursor) {
    const auto told = from_cursor(*query.cursor);
    if (!told) return Reason::bad_cursor;
    after = *told;
  }
  const auto now = to_seconds(clock_.now());
  Head head;
  auto look = [&](sql::Tx& tx) {
    head = head_of(tx);
    auto rows = rows_after(tx, viewer, now, after, query.limit);
    cut(rows, query.limit, !query.cursor);
    return rows;
  };
  auto rows = read_snapshot(db, look);
  if (!rows.empty() && rows.back().at.second > head.closed)
    rows = db.write([&](sql::Tx& tx) {
      tx.exec("UPDATE model_feed SET closed = CASE WHEN stamp < $1 THEN stamp ELSE $1 END WHERE id = 1 AND closed < $1",
              now + 1);
      return look(tx);
    });
  FeedPage page;
  auto end = after;
  if (!rows.empty())
    end = rows.back().at;
  else if (head.end.second <= now + 1)
    end = std::max(after, head.end);
  page.cursor = to_cursor(end);
  for (auto& one : rows) page.rows.push_back(std::move(one.row));
  return page;
}

}  // namespace toll::models
