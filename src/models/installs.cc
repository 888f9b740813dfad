#include "models/installs.h"

#include <cstdint>
#include <map>

#include "models/told.h"
#include "objects/digest_text.h"

namespace toll::models {

namespace {

constexpr std::int64_t install_lock = 0x746f6c6c696e7374;  // "tollinst"

// Of imports at the same time each sees what those before it made. SQLite has one writer anyway.
void one_at_a_time(sql::Tx& tx) {
  if (tx.engine() == sql::Engine::postgres) tx.query("SELECT pg_advisory_xact_lock($1)", install_lock);
}

}  // namespace

bool Installs::is_here(sql::Tx& tx, RepoKey repo, std::string_view version,
                       const std::vector<SnapshotFile>& files) const {
  const auto there = catalogue_.version(tx, repo, version);
  if (!there || !there->completed_at) return false;
  std::map<std::string, std::string> digests;
  for (const auto& file : catalogue_.files(tx, repo, version))
    if (file.ready) digests.emplace(file.rfilename, file.sha256.value());
  for (const auto& file : files) {
    const auto found = digests.find(file.rfilename);
    const auto digest = file.staged ? file.staged->stored().digest : file.held.value();
    if (found == digests.end() || found->second != objects::digest_text(digest)) return false;
  }
  return true;
}

void Installs::keep(sql::Tx& tx, std::string_view repo_id, std::string_view version, const Card& told) const {
  const auto seen = catalogue_.find(tx, Viewer::the_operator(), repo_id);
  keep_told(tx, catalogue_.version(tx, seen->model.key, version)->key, told);
}

Result<Installed> Installs::install(sql::Tx& tx, std::string_view repo_id, std::string_view version,
                                    const Source& source, const std::vector<SnapshotFile>& files,
                                    const Trace& trace) const {
  one_at_a_time(tx);
  const auto everything = Viewer::the_operator();
  const auto seen = catalogue_.find(tx, everything, repo_id);
  if (seen && seen->model.owner) return Fault(Reason::repo_taken).because(std::string(repo_id));
  Installed out;
  const auto before = serving_.resolve(tx, everything, repo_id);
  out.made = !seen || !is_here(tx, seen->model.key, version, files);
  if (out.made) TOLL_TRY(snapshots_.add_version(tx, repo_id, version, source, files));
  keep(tx, repo_id, version, source.card);
  // The store may have lost or damaged what it held under these names.
  for (const auto& file : files)
    if (file.staged) TOLL_TRY(file.staged->publish_anew());
  if (!out.made && before) {
    out.serving = *before;
    return out;
  }
  TOLL_TRY(publishing_.set_alias(tx, everything, repo_id, production, version, trace));
  if (before && before->version != version) out.replaced = before->version;
  out.serving = TOLL_TRY(serving_.resolve(tx, everything, repo_id));
  return out;
}

}  // namespace toll::models
