#include "models/snapshots.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "models/names.h"
#include "models/refresh.h"
#include "models/rows.h"
#include "models/search.h"
#include "objects/digest_text.h"

namespace toll::models {

namespace {

std::optional<objects::Object> any_object(sql::Tx& tx, const objects::Objects& objects, const Sha256& digest) {
  const auto row = tx.one("SELECT id FROM objects WHERE digest = $1 LIMIT 1", objects::digest_text(digest));
  return row ? objects.get(tx, objects::ObjectId(row->text(0))) : std::nullopt;
}

template <class T>
void keep(std::optional<T>& value, const std::optional<T>& old) {
  if (!value) value = old;
}

// A source that is silent about something does not say that it is gone: an administrator may have set it. The commit is
// that of the files, so it goes with them.
Source merged(Source source, const Model& old) {
  auto& card = source.card;
  keep(source.parameters_readable, card.parameters ? std::optional(readable_count(*card.parameters)) : std::nullopt);
  keep(source.parameters_readable, old.parameters_readable);
  keep(card.canonical_url, old.card.canonical_url);
  keep(card.model_name, old.card.model_name);
  keep(card.author, old.card.author);
  keep(card.pipeline_tag, old.card.pipeline_tag);
  keep(card.license, old.card.license);
  keep(card.languages, old.card.languages);
  keep(card.tags, old.card.tags);
  keep(card.engine, old.card.engine);
  keep(card.parameters, old.card.parameters);
  keep(source.likes, old.likes);
  keep(source.created_at, old.created_at);
  keep(source.last_modified, old.last_modified);
  if (!source.downloads) source.downloads = old.downloads;
  return source;
}

// Likes and downloads are left out: they move all the time and are no reason to look at a model again.
bool differs(const Source& now, const Model& old) {
  auto members = [](const Card& card) {
    return std::tie(card.canonical_url, card.model_name, card.author, card.pipeline_tag, card.license, card.languages,
                    card.tags, card.engine, card.parameters);
  };
  return members(now.card) != members(old.card) ||
         std::tie(now.parameters_readable, now.commit, now.created_at, now.last_modified) !=
             std::tie(old.parameters_readable, old.source_commit, old.created_at, old.last_modified);
}

void set_source(sql::Tx& tx, RepoKey repo, std::string_view repo_id, std::string_view search_before,
                const Source& source) {
  const auto& card = source.card;
  const auto search = search_text(repo_id, card);
  index_search(tx, repo, search_before, search);
  tx.exec(
      "UPDATE model_repos SET canonical_url = $2, model_name = $3, author = $4, pipeline_tag = $5, license = $6, "
      "languages = $7, tags = $8, engine = $9, parameters = $10, parameters_readable = $11, search = $12, "
      "last_modified = $13, created_at = $14, likes = $15, downloads = $16, source_commit = $17, revision = revision + "
      "1 WHERE id = $1",
      repo, card.canonical_url, card.model_name, card.author, card.pipeline_tag, card.license, card.languages,
      card.tags, card.engine, card.parameters, source.parameters_readable, search, source.last_modified,
      source.created_at, source.likes, source.downloads.value_or(0), source.commit);
}

std::string digest_of(const SnapshotFile& file) {
  return objects::digest_text(file.staged ? file.staged->stored().digest : file.held.value());
}

// References of nobody's to the held bytes, while the files that have them may be let go before others take them.
Result<void> hold(sql::Tx& tx, const objects::Objects& objects, const std::string& guard,
                  const std::vector<SnapshotFile>& files) {
  std::set<std::string> guarded;
  for (const auto& file : files) {
    if (file.staged || !guarded.insert(digest_of(file)).second) continue;
    const auto held = any_object(tx, objects, file.held.value());
    if (!held) return Reason::not_found;
    TOLL_TRY(objects.attach_copy(
        tx, *held,
        {.account = AccountId(0), .role = std::string(objects_role), .owner = guard, .name = digest_of(file)}));
  }
  return {};
}

struct Repo {
  Model model;
  std::string search;
  bool made = false;
};

Repo find_or_make(sql::Tx& tx, std::string_view repo_id) {
  const auto made = tx.exec(
      "INSERT INTO model_repos (repo_id, is_public, last_update_ts, change_seq, change, search) VALUES ($1, 1, 0, 0, "
      "'created', '') ON CONFLICT (repo_id) DO NOTHING",
      repo_id);
  const auto row =
      tx.one(fmt::format("SELECT {}, r.search FROM model_repos r WHERE r.repo_id = $1", model_columns), repo_id)
          .value();
  return {model_of(row), row.text(model_column_count), made == 1};
}

}  // namespace

Result<void> check_names(std::string_view repo_id, std::optional<std::string_view> version,
                         const std::optional<std::string>& engine, const std::vector<SnapshotFile>& files) {
  auto refuse = [](std::string why) { return Fault(Reason::invalid_request).because(std::move(why)); };
  if (!valid_repo_id(repo_id)) return refuse(fmt::format("{} is no name of a model", repo_id));
  if (version && !valid_label(*version)) return refuse(fmt::format("{} is no name of a version", *version));
  if (engine && !is_engine(*engine))
    return refuse(fmt::format("{} is no engine: {}", *engine, fmt::join(engine_names, ", ")));
  for (const auto& file : files)
    if (const auto problem = file_name_problem(file.rfilename))
      return refuse(fmt::format("the file name {} {}", file.rfilename, *problem));
  return {};
}

Snapshots::Snapshots(const Clock& clock, const Catalogue& catalogue, const Feed& feed, const objects::Objects& objects)
    : clock_(clock), catalogue_(catalogue), feed_(feed), objects_(objects) {}

// The file's bytes and row; a row that is there already is the caller's matter.
Result<void> Snapshots::put(sql::Tx& tx, const Model& model, const std::optional<Version>& version,
                            const SnapshotFile& file) const {
  const auto key = version ? version->key : VersionKey(0);
  const objects::NewObject wanted{.account = model.owner.value_or(AccountId(0)),
                                  .role = std::string(objects_role),
                                  .owner = objects_owner(model.key, key),
                                  .name = file.rfilename};
  objects::Object made;
  if (file.staged) {
    made = TOLL_TRY(objects_.attach(tx, *file.staged, wanted));
  } else {
    const auto held = file.held ? any_object(tx, objects_, *file.held) : std::nullopt;
    if (!held) return Reason::not_found;
    made = TOLL_TRY(objects_.attach_copy(tx, *held, wanted));
  }
  tx.exec(
      "INSERT INTO model_files (repo, rfilename, version, ready, size, sha256, object_key, updated_ts) VALUES ($1, $2, "
      "$3, 1, $4, $5, $6, $7)",
      model.key, file.rfilename, key, made.size, objects::digest_text(made.digest),
      object_key(model.repo_id, version ? std::optional<std::string_view>(version->version) : std::nullopt,
                 file.rfilename),
      to_seconds(clock_.now()));
  return {};
}

Result<RepoKey> Snapshots::replace(sql::Tx& tx, std::string_view repo_id, const Source& source,
                                   const std::vector<SnapshotFile>& files) const {
  TOLL_TRY(check_names(repo_id, std::nullopt, source.card.engine, files));
  const auto repo = find_or_make(tx, repo_id);
  const auto& model = repo.model;
  if (model.owner) return Reason::repo_taken;
  const bool back =
      tx.exec("UPDATE model_repos SET deleted = 0, is_public = 1 WHERE id = $1 AND deleted = 1", model.key) == 1;
  // Nothing is kept of a model that was deleted.
  const auto before = back ? Model{} : model;
  const auto told = merged(source, before);
  bool changed = repo.made || back || differs(told, before);
  set_source(tx, model.key, repo_id, repo.search, told);

  std::map<std::string, std::string> there;
  for (const auto& row :
       tx.query("SELECT rfilename, sha256 FROM model_files WHERE repo = $1 AND version = 0", model.key))
    there.emplace(row.text(0), row.maybe_text(1).value_or(""));
  const auto owner = objects_owner(model.key, VersionKey(0));
  auto drop = [&](const std::string& name) {
    if (const auto object = objects_.find(tx, owner, objects_role, name)) objects_.detach(tx, object->id);
    tx.exec("DELETE FROM model_files WHERE repo = $1 AND rfilename = $2 AND version = 0", model.key, name);
  };
  const auto guard = owner + "/moving";
  TOLL_TRY(hold(tx, objects_, guard, files));
  std::set<std::string> kept;
  for (const auto& file : files) {
    const auto old = there.find(file.rfilename);
    kept.insert(file.rfilename);
    if (old != there.end() && old->second == digest_of(file)) continue;
    if (old != there.end()) drop(file.rfilename);
    TOLL_TRY(put(tx, model, std::nullopt, file));
    changed = true;
  }
  for (const auto& [name, digest] : there) {
    if (kept.contains(name)) continue;
    drop(name);
    changed = true;
  }
  objects_.detach_owner(tx, guard, objects_role);
  refresh_repo(tx, model.key);
  if (changed) feed_.touch(tx, model.key, repo.made || back ? Change::created : Change::upload);
  return model.key;
}

Result<VersionKey> Snapshots::add_version(sql::Tx& tx, std::string_view repo_id, std::string_view version,
                                          const Source& source, const std::vector<SnapshotFile>& files) const {
  TOLL_TRY(check_names(repo_id, version, source.card.engine, files));
  const auto repo = find_or_make(tx, repo_id);
  const auto& model = repo.model;
  const bool deleted = tx.one("SELECT 1 FROM model_repos WHERE id = $1 AND deleted = 1", model.key).has_value();
  if (deleted && model.owner) return Reason::repo_taken;
  if (deleted) tx.exec("UPDATE model_repos SET deleted = 0, is_public = 1 WHERE id = $1", model.key);
  // Nothing is kept of a model that was deleted.
  if (repo.made || deleted) set_source(tx, model.key, repo_id, repo.search, merged(source, Model{}));
  if (tx.one("SELECT 1 FROM model_aliases WHERE repo = $1 AND alias = $2", model.key, version))
    return Reason::version_is_alias;
  tx.exec(
      "INSERT INTO model_versions (repo, version, notes, source_commit, created_at) VALUES ($1, $2, $3, $4, $5) ON "
      "CONFLICT (repo, version) DO NOTHING",
      model.key, version, source.notes, source.commit, clock_.now());
  const auto there = catalogue_.version(tx, model.key, version);
  lock_version(tx, there->key);
  for (const auto& file : files) {
    const auto old = tx.one("SELECT ready, sha256 FROM model_files WHERE repo = $1 AND rfilename = $2 AND version = $3",
                            model.key, file.rfilename, there->key);
    if (old && old->boolean(0) && old->text(1) == digest_of(file)) continue;
    if (old) return Reason::file_exists;
    TOLL_TRY(put(tx, model, there, file));
  }
  refresh_version(tx, there->key, clock_.now());
  refresh_repo(tx, model.key);
  feed_.touch(tx, model.key, repo.made || deleted ? Change::created : Change::upload);
  return there->key;
}

bool Snapshots::holds(sql::Tx& tx, const Sha256& digest) const {
  return any_object(tx, objects_, digest).has_value();
}

}  // namespace toll::models
