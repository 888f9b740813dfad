#include "models/publishing.h"

#include <fmt/format.h>

#include "models/refresh.h"
#include "models/rows.h"
#include "models/search.h"
#include "models/serving.h"
#include "models/told.h"

namespace toll::models {

namespace {

// Parameters $2 to $12 of the statements that write a card.
struct CardColumns {
  std::optional<std::string> readable;
  std::string search;

  CardColumns(std::string_view repo_id, const Card& card)
      : readable(card.parameters ? std::optional(readable_count(*card.parameters)) : std::nullopt),
        search(search_text(repo_id, card)) {}
};

template <class T>
void keep(std::optional<T>& value, const std::optional<T>& old) {
  if (!value) value = old;
}

// What the card is after a change that names some of it.
Card merged(Card change, const Card& old) {
  keep(change.canonical_url, old.canonical_url);
  keep(change.model_name, old.model_name);
  keep(change.author, old.author);
  keep(change.pipeline_tag, old.pipeline_tag);
  keep(change.license, old.license);
  keep(change.languages, old.languages);
  keep(change.tags, old.tags);
  keep(change.engine, old.engine);
  keep(change.parameters, old.parameters);
  return change;
}

AccessRow about(const Model& model) {
  AccessRow row;
  row.repo_id = model.repo_id;
  return row;
}

void set_card(sql::Tx& tx, RepoKey repo, const Card& card, const CardColumns& more, Time now) {
  tx.exec(
      "UPDATE model_repos SET canonical_url = $2, model_name = $3, author = $4, pipeline_tag = $5, license = $6, "
      "languages = $7, tags = $8, engine = $9, parameters = $10, parameters_readable = $11, search = $12, "
      "last_modified "
      "= $13 WHERE id = $1",
      repo, card.canonical_url, card.model_name, card.author, card.pipeline_tag, card.license, card.languages,
      card.tags, card.engine, card.parameters, more.readable, more.search, now);
}

void modified(sql::Tx& tx, RepoKey repo, Time now) {
  tx.exec("UPDATE model_repos SET last_modified = $2 WHERE id = $1", repo, now);
}

}  // namespace

Publishing::Publishing(const Clock& clock, const Catalogue& catalogue, const Feed& feed, const AccessLog& log,
                       const objects::Objects& objects, const objects::Slots& slots)
    : clock_(clock), catalogue_(catalogue), feed_(feed), log_(log), objects_(objects), slots_(slots) {}

Result<Model> Publishing::writable(sql::Tx& tx, const Viewer& by, std::string_view repo_id) const {
  auto seen = catalogue_.find(tx, by, repo_id);
  if (!seen) return Reason::model_not_found;
  if (!seen->rights.write) return Reason::repo_not_yours;
  return std::move(seen->model);
}

Result<RepoKey> Publishing::save(sql::Tx& tx, const Viewer& by, std::string_view repo_id, const Card& card,
                                 std::optional<bool> is_public, const Trace& trace) const {
  const auto there = tx.one("SELECT id, deleted, owner_id FROM model_repos WHERE repo_id = $1", repo_id);
  if (!there) return create(tx, by, repo_id, card, is_public.value_or(false), std::nullopt, trace);
  const bool own = there->maybe_integer(2) == by.account.value() && by.account.value() != 0;
  if (there->boolean(1)) {
    if (!own) return Reason::repo_taken;
    return create(tx, by, repo_id, card, is_public.value_or(false), RepoKey(there->integer(0)), trace);
  }
  if (!own && !by.is_admin()) return Reason::repo_taken;
  const auto model = TOLL_TRY(writable(tx, by, repo_id));
  change(tx, model, card, is_public, trace);
  return model.key;
}

Result<RepoKey> Publishing::create(sql::Tx& tx, const Viewer& by, std::string_view repo_id, const Card& card,
                                   bool is_public, std::optional<RepoKey> deleted, const Trace& trace) const {
  const auto now = clock_.now();
  const CardColumns more(repo_id, card);
  const auto owner = by.account.value() == 0 ? std::nullopt : std::optional(by.account);
  std::string before;
  RepoKey key;
  if (deleted) {
    key = *deleted;
    before = tx.one("SELECT search FROM model_repos WHERE id = $1", key)->text(0);
    tx.exec(
        "UPDATE model_repos SET deleted = 0, is_public = $2, downloads = 0, likes = NULL, created_at = $3 WHERE id = "
        "$1",
        key, is_public, now);
  } else {
    key = RepoKey(tx.one("INSERT INTO model_repos (repo_id, owner_id, is_public, last_update_ts, change_seq, change, "
                         "created_at, search) VALUES ($1, $2, $3, 0, 0, 'created', $4, $5) RETURNING id",
                         repo_id, owner, is_public, now, more.search)
                      ->integer(0));
  }
  index_search(tx, key, before, more.search);
  set_card(tx, key, card, more, now);
  feed_.touch(tx, key, Change::created);
  AccessRow row;
  row.repo_id = std::string(repo_id);
  log_.write(tx, trace, "model_created", row);
  return key;
}

void Publishing::change(sql::Tx& tx, const Model& model, const Card& change, std::optional<bool> is_public,
                        const Trace& trace) const {
  const auto card = merged(change, model.card);
  const CardColumns more(model.repo_id, card);
  index_search(tx, model.key, search_text(model.repo_id, model.card), more.search);
  set_card(tx, model.key, card, more, clock_.now());
  const bool moved = is_public && *is_public != model.is_public;
  if (moved) tx.exec("UPDATE model_repos SET is_public = $2 WHERE id = $1", model.key, *is_public);
  feed_.touch(tx, model.key, moved ? Change::visibility : Change::updated);
  if (moved && !*is_public) feed_.departed_from_developers(tx, model.key, Change::visibility);
  if (moved) log_.audit(tx, trace, "model.visibility", "model:" + model.repo_id, *is_public ? "public" : "private");
  log_.write(tx, trace, "model_updated", about(model));
}

void Publishing::erase_version(sql::Tx& tx, const Model& model, VersionKey version) const {
  for (const auto& row : tx.query("DELETE FROM model_uploads WHERE version = $1 RETURNING id", version))
    slots_.abort(tx, objects::SlotId(row.text(0)));
  objects_.detach_owner(tx, objects_owner(model.key, version));
  tx.exec("DELETE FROM model_files WHERE repo = $1 AND version = $2", model.key, version);
  forget_told(tx, version);
  tx.exec("DELETE FROM model_versions WHERE id = $1", version);
}

// The feed is told first: who hears of it is who sees it now.
void Publishing::erase(sql::Tx& tx, const Model& model) const {
  feed_.touch(tx, model.key, Change::deleted);
  if (model.owner) feed_.departed(tx, model.key, *model.owner, Change::deleted);
  if (model.is_public) feed_.departed_from_developers(tx, model.key, Change::deleted);
  feed_.departed_from_administrators(tx, model.key, Change::deleted);
  const auto now = to_seconds(clock_.now());
  for (const auto& row : tx.query("DELETE FROM model_grants WHERE repo = $1 RETURNING account_id, from_ts", model.key))
    if (row.integer(1) <= now) feed_.departed(tx, model.key, AccountId(row.integer(0)), Change::deleted);
  tx.exec("DELETE FROM model_aliases WHERE repo = $1", model.key);
  erase_version(tx, model, VersionKey(0));
  for (const auto& row : tx.query("SELECT id FROM model_versions WHERE repo = $1", model.key))
    erase_version(tx, model, VersionKey(row.integer(0)));
  tx.exec("UPDATE model_repos SET deleted = 1, default_version = NULL WHERE id = $1", model.key);
  refresh_repo(tx, model.key);
}

Result<void> Publishing::remove(sql::Tx& tx, const Viewer& by, std::string_view repo_id, const Trace& trace) const {
  const auto model = TOLL_TRY(writable(tx, by, repo_id));
  erase(tx, model);
  log_.write(tx, trace, "model_deleted", about(model));
  log_.audit(tx, trace, "model.delete", "model:" + model.repo_id, "");
  return {};
}

Result<void> Publishing::free_name(sql::Tx& tx, std::string_view repo_id, const Trace& trace) const {
  const auto row = tx.one("SELECT id, deleted, search FROM model_repos WHERE repo_id = $1", repo_id);
  if (!row) return Reason::model_not_found;
  if (!row->boolean(1)) return Reason::conflict;
  forget_search(tx, RepoKey(row->integer(0)), row->text(2));
  tx.exec("DELETE FROM model_repos WHERE id = $1", row->integer(0));
  log_.audit(tx, trace, "model.free_name", "model:" + std::string(repo_id), "");
  return {};
}

void Publishing::remove_account(sql::Tx& tx, AccountId account) const {
  const auto rows = tx.query(
      fmt::format("SELECT {} FROM model_repos r WHERE r.owner_id = $1 AND r.deleted = 0", model_columns), account);
  for (const auto& row : rows) erase(tx, model_of(row));
  tx.exec("DELETE FROM model_departures WHERE account_id = $1", account);
}

Result<void> Publishing::add_version(sql::Tx& tx, const Viewer& by, std::string_view repo_id, std::string_view version,
                                     std::optional<std::string_view> notes, const Trace& trace) const {
  const auto model = TOLL_TRY(writable(tx, by, repo_id));
  if (tx.one("SELECT 1 FROM model_aliases WHERE repo = $1 AND alias = $2", model.key, version))
    return Reason::version_is_alias;
  const auto made = tx.exec(
      "INSERT INTO model_versions (repo, version, notes, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (repo, "
      "version) "
      "DO NOTHING",
      model.key, version, notes, clock_.now());
  if (made == 0) return {};
  modified(tx, model.key, clock_.now());
  feed_.touch(tx, model.key, Change::version);
  auto row = about(model);
  row.version = std::string(version);
  log_.write(tx, trace, "version_created", row);
  return {};
}

Result<void> Publishing::remove_version(sql::Tx& tx, const Viewer& by, std::string_view repo_id,
                                        std::string_view version, const Trace& trace) const {
  const auto model = TOLL_TRY(writable(tx, by, repo_id));
  const auto there = catalogue_.version(tx, model.key, version);
  if (!there) return Reason::version_not_found;
  lock_version(tx, there->key);
  if (auto alias = tx.one("SELECT alias FROM model_aliases WHERE version = $1 ORDER BY alias LIMIT 1", there->key))
    return Fault(Reason::version_in_use).with("alias", alias->text(0));
  erase_version(tx, model, there->key);
  refresh_repo(tx, model.key);
  modified(tx, model.key, clock_.now());
  feed_.touch(tx, model.key, Change::version);
  auto row = about(model);
  row.version = std::string(version);
  log_.write(tx, trace, "version_deleted", row);
  return {};
}

Result<AliasMoved> Publishing::set_alias(sql::Tx& tx, const Viewer& by, std::string_view repo_id,
                                         std::string_view alias, std::string_view version, const Trace& trace) const {
  // First: who else changes the model waits here, and what is read after it is what is so.
  feed_.touch(tx, TOLL_TRY(writable(tx, by, repo_id)).key, Change::alias);
  const auto model = TOLL_TRY(writable(tx, by, repo_id));
  const auto there = catalogue_.version(tx, model.key, version);
  if (!there) return Reason::version_not_found;
  lock_version(tx, there->key);
  if (!there->completed_at) return Reason::version_not_completed;
  if (catalogue_.version(tx, model.key, alias)) return Reason::alias_is_version;
  AliasMoved moved;
  if (auto old =
          tx.one("SELECT v.version FROM model_aliases a JOIN model_versions v ON v.id = a.version WHERE a.repo = "
                 "$1 AND a.alias = $2",
                 model.key, alias))
    moved.previous = old->text(0);
  tx.exec(
      "INSERT INTO model_aliases (repo, alias, version) VALUES ($1, $2, $3) ON CONFLICT (repo, alias) DO UPDATE SET "
      "version = excluded.version",
      model.key, alias, there->key);
  refresh_repo(tx, model.key);
  modified(tx, model.key, clock_.now());
  if (alias == production) retell(tx, model, *there, clock_.now());
  auto row = about(model);
  row.version = std::string(version);
  row.rfilename = std::nullopt;
  log_.write(tx, trace, "alias_set", row);
  log_.audit(tx, trace, "model.alias", "model:" + model.repo_id, fmt::format("{} -> {}", alias, version));
  return moved;
}

Result<void> Publishing::remove_alias(sql::Tx& tx, const Viewer& by, std::string_view repo_id, std::string_view alias,
                                      const Trace& trace) const {
  const auto model = TOLL_TRY(writable(tx, by, repo_id));
  if (tx.exec("DELETE FROM model_aliases WHERE repo = $1 AND alias = $2", model.key, alias) == 0) return {};
  refresh_repo(tx, model.key);
  modified(tx, model.key, clock_.now());
  feed_.touch(tx, model.key, Change::alias);
  log_.write(tx, trace, "alias_deleted", about(model));
  log_.audit(tx, trace, "model.alias", "model:" + model.repo_id, fmt::format("{} removed", alias));
  return {};
}

}  // namespace toll::models
