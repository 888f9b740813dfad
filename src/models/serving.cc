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
  const auto seen = catalogue_.find(tx, viewer, repo_id);
  if (!seen) return Reason::model_not_found;
  if (!seen->rights.run) return Reason::model_not_permitted;
  const auto& model = seen->model;
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

std::vector<std::string> ModelServing::offered(sql::Tx& tx, const Viewer& viewer, std::string_view engine) const {
  std::vector<std::string> out;
  for (const auto& row :
       tx.query(fmt::format("SELECT r.repo_id FROM model_repos r WHERE r.engine = $3 AND r.deleted = 0 "
                            "AND {} ORDER BY r.repo_id",
                            visible_to(viewer.role)),
                viewer.account, to_seconds(clock_.now()), engine)) {
    const auto seen = catalogue_.find(tx, viewer, row.text(0));
    if (seen && seen->rights.run) out.push_back(row.text(0));
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
