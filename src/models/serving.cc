#include "models/serving.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/digest.h"
#include "models/rows.h"
#include "models/search.h"
#include "objects/digest_text.h"

namespace toll::models {

namespace {

Fault unusable(std::string why) {
  return Fault(Reason::model_unusable).with("why", std::move(why));
}

std::vector<ServedFile> served_files(const std::vector<File>& files) {
  std::vector<ServedFile> out;
  for (const auto& file : files)
    if (file.ready)
      out.push_back({file.rfilename, objects::digest_from_text(file.sha256.value()),
                     static_cast<std::uint64_t>(file.size.value())});
  std::ranges::sort(out, {}, &ServedFile::rfilename);
  return out;
}

Result<Seen> runnable(sql::Tx& tx, const Catalogue& catalogue, const Viewer& viewer, std::string_view repo_id) {
  auto seen = catalogue.find(tx, viewer, repo_id);
  if (!seen) return Reason::model_not_found;
  if (!seen->rights.run) return Reason::model_not_permitted;
  return *std::move(seen);
}

// Rights::run as a condition, as rights_of() of the catalogue has it; `mine` is the active grant.
std::string_view may_run(identity::Role role) {
  switch (role) {
    case identity::Role::developer:
      return "(r.is_public = 1 OR r.owner_id = $1 OR mine.run = 1)";
    case identity::Role::platform:
      return "mine.run = 1";
    case identity::Role::admin:
      break;
  }
  return "1 = 1";
}

constexpr std::size_t most_known = 1000, most_known_files = 100;

Sha256 digest_of(const blob::Reader& content) {
  Sha256Stream sum;
  std::vector<std::byte> piece(1 << 20);
  for (std::uint64_t at = 0; at < content.size();) {
    const auto size = content.read_at(at, piece);
    if (size == 0) break;
    sum.update(std::span(piece).first(size));
    at += size;
  }
  return sum.finish();
}

}  // namespace

std::string serving_digest(const std::vector<ServedFile>& files) {
  Sha256Stream sum;
  for (const auto& file : files) sum.update(objects::digest_text(file.digest) + "  " + file.rfilename + "\n");
  return hex(sum.finish());
}

ModelServing::ModelServing(const Clock& clock, const Catalogue& catalogue, const blob::Store& store)
    : clock_(clock), catalogue_(catalogue), store_(store) {}

Result<Serving> ModelServing::resolve(sql::Tx& tx, const Viewer& viewer, std::string_view repo_id,
                                      std::string_view alias) const {
  const auto seen = TOLL_TRY(runnable(tx, catalogue_, viewer, repo_id));
  return look_up(tx, seen.model, alias);
}

Result<std::shared_ptr<const Serving>> ModelServing::resolve_shared(sql::Tx& tx, const Viewer& viewer,
                                                                    std::string_view repo_id,
                                                                    std::string_view alias) const {
  const auto seen = TOLL_TRY(runnable(tx, catalogue_, viewer, repo_id));
  const Known key{seen.model.key, seen.model.revision, std::string(alias)};
  {
    std::lock_guard lock(mutex_);
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
  }
  auto serving = std::make_shared<const Serving>(TOLL_TRY(look_up(tx, seen.model, alias)));
  if (serving->files.size() <= most_known_files) {
    std::lock_guard lock(mutex_);
    // Older revisions are never asked for again, and nobody says when they go.
    if (known_.size() >= most_known) known_.clear();
    known_.emplace(key, serving);
  }
  return serving;
}

Result<Serving> ModelServing::look_up(sql::Tx& tx, const Model& model, std::string_view alias) const {
  std::optional<std::string> name;
  const auto aliases = catalogue_.aliases(tx, model.key);
  if (!alias.empty())
    name = std::string(alias);
  else if (aliases.contains(std::string(production)))
    name = std::string(production);
  Serving out{
      .repo_id = model.repo_id, .version = {}, .engine = model.card.engine.value_or(""), .digest = {}, .files = {}};
  if (name) {
    const auto pointed = aliases.find(*name);
    out.version = pointed == aliases.end() ? *name : pointed->second;
    if (!catalogue_.version(tx, model.key, out.version)) return Reason::version_not_found;
    out.files = served_files(catalogue_.manifest(tx, model.key, out.version));
  } else {
    const auto files = catalogue_.manifest(tx, model.key, std::nullopt);
    for (const auto& file : files)
      if (file.version) out.version = *file.version;
    out.files = served_files(files);
  }
  if (out.files.empty() && model.repo_id != builtin_repo) return unusable("it has no ready files");
  out.digest = serving_digest(out.files);
  return out;
}

Result<Serving> ModelServing::recorded(sql::Tx& tx, std::string_view repo_id, std::string_view version,
                                       std::string_view digest) const {
  const auto seen = catalogue_.find(tx, Viewer::the_operator(), repo_id);
  if (!seen) return Reason::model_not_found;
  const auto& model = seen->model;
  Serving out{.repo_id = model.repo_id,
              .version = std::string(version),
              .engine = model.card.engine.value_or(""),
              .digest = std::string(digest),
              .files = {}};
  // Without a version first: it may hold files of the default version too.
  for (const auto& name : {std::optional<std::string_view>(), std::optional<std::string_view>(version)}) {
    if (name && name->empty()) continue;
    out.files = served_files(catalogue_.manifest(tx, model.key, name));
    if (serving_digest(out.files) == digest) return out;
  }
  return unusable("its files have changed");
}

std::vector<ModelServing::Offer> ModelServing::offers(sql::Tx& tx, const Viewer& viewer, std::string_view engine,
                                                      std::string_view ending, std::int64_t limit) const {
  // Which files: those of `production`, else those that a download without a version gives (Catalogue::manifest).
  const auto sql = fmt::format(
      "WITH page AS (SELECT r.id, r.repo_id, r.default_version FROM model_repos r LEFT JOIN model_grants mine ON "
      "mine.repo = r.id AND mine.account_id = $1 AND mine.from_ts <= $2 AND (mine.until_ts IS NULL OR mine.until_ts >= "
      "$2) WHERE r.engine = $3 AND r.deleted = 0 AND {} AND {} ORDER BY r.repo_id LIMIT $4) "
      "SELECT p.repo_id, pointed.version, f.rfilename, v.version FROM page p "
      "LEFT JOIN model_aliases a ON a.repo = p.id AND a.alias = '{}' "
      "LEFT JOIN model_versions pointed ON pointed.id = a.version "
      "LEFT JOIN model_files f ON f.repo = p.id AND f.ready = 1 AND "
      "substr(f.rfilename, length(f.rfilename) - length(CAST($5 AS TEXT)) + 1) = $5 AND (f.version = a.version OR "
      "(a.version IS NULL AND (f.version = 0 OR (f.version = p.default_version AND NOT EXISTS (SELECT 1 FROM "
      "model_files plain WHERE plain.repo = p.id AND plain.rfilename = f.rfilename AND plain.version = 0))))) "
      "LEFT JOIN model_versions v ON v.id = f.version ORDER BY p.repo_id, f.rfilename",
      visible_to(viewer.role), may_run(viewer.role), production);
  std::vector<Offer> out;
  for (const auto& row : tx.query(sql, viewer.account, to_seconds(clock_.now()), engine, limit, ending)) {
    if (out.empty() || out.back().repo_id != row.text(0))
      out.push_back({row.text(0), row.maybe_text(1).value_or(""), {}});
    if (!row.is_null(3)) out.back().version = row.text(3);
    if (!row.is_null(2)) out.back().files.push_back(row.text(2));
  }
  return out;
}

Result<std::vector<LoadedFile>> ModelServing::load(const Serving& serving) const {
  std::vector<LoadedFile> out;
  for (const auto& file : serving.files) {
    auto content = store_.open(file.digest);
    if (!content) return unusable("a file is missing").because(file.rfilename);
    const auto name = objects::digest_text(file.digest);
    bool known = false;
    {
      std::lock_guard lock(mutex_);
      known = verified_.contains(name);
    }
    if (!known && digest_of(**content) != file.digest) return unusable("a file is damaged").because(file.rfilename);
    if (!known) {
      std::lock_guard lock(mutex_);
      verified_.insert(name);
    }
    out.push_back({file.rfilename, *std::move(content)});
  }
  return out;
}

void ensure_builtin(sql::Tx& tx, const Clock& clock, const Feed& feed) {
  Card card;
  card.model_name = "builtin-spectral";
  card.author = builtin_author;
  card.pipeline_tag = "audio-source-separation";
  card.license = "Apache-2.0";
  card.tags = "separation, signal-processing";
  card.engine = "separation";
  const auto search = search_text(builtin_repo, card);
  const auto now = clock.now();
  const auto row = tx.one(
      "INSERT INTO model_repos (repo_id, is_public, last_update_ts, change_seq, change, created_at, last_modified, "
      "search, "
      "model_name, author, pipeline_tag, license, tags, engine) VALUES ($1, 1, 0, 0, 'created', $2, $2, $3, $4, $5, "
      "$6, "
      "$7, $8, $9) ON CONFLICT (repo_id) DO NOTHING RETURNING id",
      builtin_repo, now, search, card.model_name, card.author, card.pipeline_tag, card.license, card.tags, card.engine);
  if (!row) return;
  index_search(tx, RepoKey(row->integer(0)), "", search);
  feed.touch(tx, RepoKey(row->integer(0)), Change::created);
}

}  // namespace toll::models
