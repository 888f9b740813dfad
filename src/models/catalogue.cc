#include "models/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/text.h"
#include "models/rows.h"
#include "models/search.h"

namespace toll::models {

namespace {

// Numbers of parameters that a statement may have; a list is filled up with its last key, so that few texts are
// prepared.
constexpr std::size_t key_counts[] = {1, 8, 64, 512};

std::optional<VersionKey> version_key(sql::Tx& tx, RepoKey repo, std::string_view name) {
  if (name.find('\0') != name.npos || !valid_utf8(name)) return std::nullopt;
  if (auto row = tx.one("SELECT id FROM model_versions WHERE repo = $1 AND version = $2", repo, name))
    return VersionKey(row->integer(0));
  if (auto row = tx.one("SELECT version FROM model_aliases WHERE repo = $1 AND alias = $2", repo, name))
    return VersionKey(row->integer(0));
  return std::nullopt;
}

std::vector<File> files_of(const std::vector<sql::Row>& rows) {
  std::vector<File> out;
  out.reserve(rows.size());
  for (const auto& row : rows) out.push_back(file_of(row));
  return out;
}

// The grant's columns stand behind the model's: download, run, until_ts; null without an active grant.
Rights rights_of(const Viewer& viewer, const Model& model, const sql::Row& row) {
  if (viewer.is_admin()) return {.files = true, .run = true, .write = true, .until_ts = {}};
  const bool developer = viewer.role == identity::Role::developer;
  const bool own = developer && model.owner == viewer.account;
  if (own) return {.files = true, .run = true, .write = true, .until_ts = {}};
  if (developer && model.is_public) return {.files = true, .run = true, .write = false, .until_ts = {}};
  constexpr auto first = model_column_count;
  return {.files = row.maybe_integer(first).value_or(0) != 0,
          .run = row.maybe_integer(first + 1).value_or(0) != 0,
          .write = false,
          .until_ts = row.maybe_integer(first + 2)};
}

Version version_of(const sql::Row& row) {
  return {.key = VersionKey(row.integer(0)),
          .version = row.text(1),
          .notes = row.maybe_text(2),
          .commit = row.maybe_text(3),
          .created_at = row.time(4),
          .completed_at = row.maybe_time(5),
          .file_count = row.integer(6),
          .size = row.integer(7),
          .aliases = {}};
}

constexpr std::string_view version_columns =
    "id, version, notes, source_commit, created_at, completed_at, file_count, size";

}  // namespace

std::int64_t Catalogue::now() const {
  return to_seconds(clock_.now());
}

std::vector<Listed> Catalogue::list(sql::Tx& tx, const Viewer& viewer, const ListQuery& query) const {
  const auto second = now();
  std::string sql = "SELECT r.id, r.revision FROM model_repos r WHERE r.deleted = 0 AND " + visible_to(viewer.role);
  std::vector<sql::Value> args{viewer.account, second};
  auto next = [&] { return args.size() + 1; };
  if (query.updated_since != 0) {
    sql += fmt::format(" AND r.last_update_ts > ${}", next());
    args.emplace_back(query.updated_since);
  }
  SearchCondition search;
  if (!query.q.empty()) {
    search = search_condition(tx, query.q, static_cast<int>(next()));
    sql += " AND " + search.sql;
    args.emplace_back(search.text);
    if (!search.hits.empty()) args.emplace_back(search.hits);
  }
  sql += fmt::format(" ORDER BY r.last_update_ts DESC, r.repo_id LIMIT ${} OFFSET ${}", next(), next() + 1);
  args.emplace_back(query.limit);
  args.emplace_back(query.offset);
  std::vector<Listed> out;
  for (const auto& row : tx.query_with(sql, args)) out.push_back({RepoKey(row.integer(0)), row.integer(1)});
  return out;
}

std::vector<Model> Catalogue::models(sql::Tx& tx, std::span<const RepoKey> keys) const {
  std::unordered_map<RepoKey, Model> found;
  for (std::size_t at = 0; at < keys.size();) {
    const auto left = keys.size() - at;
    const auto size = *std::ranges::find_if(key_counts, [&](auto n) { return n >= std::min<std::size_t>(left, 512); });
    std::vector<sql::Value> args;
    std::string places;
    for (std::size_t i = 0; i < size; ++i) {
      args.emplace_back(keys[std::min(at + i, keys.size() - 1)]);
      places += fmt::format("{}${}", i ? "," : "", i + 1);
    }
    for (const auto& row :
         tx.query_with(fmt::format("SELECT {} FROM model_repos r WHERE r.id IN ({})", model_columns, places), args)) {
      auto model = model_of(row);
      const auto key = model.key;
      found.emplace(key, std::move(model));
    }
    at += size;
  }
  std::vector<Model> out;
  for (const auto& key : keys)
    if (auto it = found.find(key); it != found.end()) out.push_back(it->second);
  return out;
}

std::optional<Seen> Catalogue::find(sql::Tx& tx, const Viewer& viewer, std::string_view repo_id) const {
  const auto row = tx.one(
      fmt::format("SELECT {}, mine.download, mine.run, mine.until_ts FROM model_repos r LEFT JOIN model_grants mine ON "
                  "mine.repo = r.id AND mine.account_id = $1 AND mine.from_ts <= $2 AND (mine.until_ts IS NULL OR "
                  "mine.until_ts >= $2) WHERE r.repo_id = $3 AND r.deleted = 0 AND {}",
                  model_columns, visible_to(viewer.role)),
      viewer.account, now(), repo_id);
  if (!row) return std::nullopt;
  Seen seen{model_of(*row), {}};
  seen.rights = rights_of(viewer, seen.model, *row);
  return seen;
}

Aliases Catalogue::aliases(sql::Tx& tx, RepoKey repo) const {
  Aliases out;
  for (const auto& row : tx.query("SELECT a.alias, v.version FROM model_aliases a JOIN model_versions v ON v.id = "
                                  "a.version WHERE a.repo = $1",
                                  repo))
    out.emplace(row.text(0), row.text(1));
  return out;
}

std::map<RepoKey, std::string> Catalogue::pointed(sql::Tx& tx, std::string_view alias) const {
  std::map<RepoKey, std::string> out;
  for (const auto& row : tx.query("SELECT a.repo, v.version FROM model_aliases a JOIN model_versions v ON v.id = "
                                  "a.version WHERE a.alias = $1",
                                  alias))
    out.emplace(RepoKey(row.integer(0)), row.text(1));
  return out;
}

std::vector<Version> Catalogue::versions(sql::Tx& tx, RepoKey repo, std::int64_t limit, std::int64_t offset) const {
  std::vector<Version> out;
  for (const auto& row :
       tx.query(fmt::format("SELECT {} FROM model_versions WHERE repo = $1 ORDER BY id DESC LIMIT $2 OFFSET $3",
                            version_columns),
                repo, limit, offset))
    out.push_back(version_of(row));
  for (const auto& [alias, version] : aliases(tx, repo))
    for (auto& one : out)
      if (one.version == version) one.aliases.push_back(alias);
  return out;
}

std::optional<Version> Catalogue::version(sql::Tx& tx, RepoKey repo, std::string_view name) const {
  const auto row = tx.one(
      fmt::format("SELECT {} FROM model_versions WHERE repo = $1 AND version = $2", version_columns), repo, name);
  if (!row) return std::nullopt;
  return version_of(*row);
}

std::vector<File> Catalogue::files(sql::Tx& tx, RepoKey repo, std::optional<std::string_view> version) const {
  if (!version)
    return files_of(tx.query(fmt::format("SELECT {} FROM {} WHERE f.repo = $1 ORDER BY f.rfilename, f.version",
                                         file_columns, files_with_versions),
                             repo));
  const auto key = version_key(tx, repo, *version);
  if (!key) return {};
  return files_of(tx.query(fmt::format("SELECT {} FROM {} WHERE f.repo = $1 AND f.version = $2 ORDER BY f.rfilename",
                                       file_columns, files_with_versions),
                           repo, *key));
}

std::vector<File> Catalogue::manifest(sql::Tx& tx, RepoKey repo, std::optional<std::string_view> version) const {
  if (version) {
    auto all = files(tx, repo, version);
    std::erase_if(all, [](const File& file) { return !file.ready; });
    return all;
  }
  return files_of(tx.query(
      fmt::format(
          "SELECT {} FROM {} WHERE f.repo = $1 AND f.ready = 1 AND (f.version = 0 OR (f.version = (SELECT "
          "default_version FROM model_repos WHERE id = $1) AND NOT EXISTS (SELECT 1 FROM model_files plain WHERE "
          "plain.repo = $1 AND plain.rfilename = f.rfilename AND plain.version = 0))) ORDER BY f.rfilename",
          file_columns, files_with_versions),
      repo));
}

std::optional<File> Catalogue::file(sql::Tx& tx, RepoKey repo, std::string_view rfilename,
                                    std::optional<std::string_view> version) const {
  const auto sql = fmt::format("SELECT {} FROM {} WHERE f.repo = $1 AND f.rfilename = $2 AND f.version = $3",
                               file_columns, files_with_versions);
  auto in = [&](VersionKey key) -> std::optional<File> {
    const auto row = tx.one(sql, repo, rfilename, key);
    if (!row) return std::nullopt;
    return file_of(*row);
  };
  if (version) {
    const auto key = version_key(tx, repo, *version);
    return key ? in(*key) : std::nullopt;
  }
  if (auto plain = in(VersionKey(0))) return plain;
  const auto row = tx.one("SELECT default_version FROM model_repos WHERE id = $1", repo);
  const auto standard = row ? row->maybe_integer(0) : std::nullopt;
  return standard ? in(VersionKey(*standard)) : std::nullopt;
}

std::vector<PlatformItem> Catalogue::platform(sql::Tx& tx, AccountId account, std::optional<std::int64_t> limit,
                                              std::int64_t offset) const {
  const auto rows = tx.query(
      fmt::format(
          "SELECT {}, granted.repo_id, granted.from_ts, granted.until_ts FROM (SELECT r.id, r.repo_id, g.from_ts, "
          "g.until_ts FROM model_grants g JOIN model_repos r ON r.id = g.repo WHERE g.account_id = $1 AND g.download = "
          "1 "
          "AND g.from_ts <= $2 AND (g.until_ts IS NULL OR g.until_ts >= $2) AND r.deleted = 0 ORDER BY r.repo_id LIMIT "
          "$3 OFFSET $4) AS granted LEFT JOIN model_files f ON f.repo = granted.id AND f.ready = 1 LEFT JOIN "
          "model_versions v ON v.id = f.version ORDER BY granted.repo_id, f.rfilename, f.version",
          file_columns),
      account, now(), limit.value_or(INT64_MAX), offset);
  std::vector<PlatformItem> out;
  for (const auto& row : rows) {
    if (out.empty() || out.back().repo_id != row.text(7))
      out.push_back({row.text(7), row.integer(8), row.maybe_integer(9), {}});
    if (!row.is_null(0)) out.back().files.push_back(file_of(row));
  }
  return out;
}

}  // namespace toll::models
