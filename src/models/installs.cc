#include "models/installs.h"

#include <map>

#include "objects/digest_text.h"

namespace toll::models {

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

Result<Installed> Installs::install(sql::Tx& tx, std::string_view repo_id, std::string_view version,
                                    const Source& source, const std::vector<SnapshotFile>& files,
                                    const std::vector<Card>& told, const Trace& trace) const {
  const auto everything = Viewer::the_operator();
  const auto seen = catalogue_.find(tx, everything, repo_id);
  if (seen && seen->model.owner) return Fault(Reason::repo_taken).because(std::string(repo_id));
  Installed out;
  const auto before = serving_.resolve(tx, everything, repo_id);
  if (seen && is_here(tx, seen->model.key, version, files)) {
    // Its rows are: bytes that the store has lost come back.
    for (const auto& file : files)
      if (file.staged) TOLL_TRY(file.staged->publish());
    // Where nothing that is whole serves, this does.
    if (before) {
      out.serving = *before;
      return out;
    }
  } else {
    TOLL_TRY(snapshots_.add_version(tx, repo_id, version, source, files));
    if (seen) TOLL_TRY(snapshots_.retell(tx, repo_id, source, told));
    out.made = true;
  }
  TOLL_TRY(publishing_.set_alias(tx, everything, repo_id, production, version, trace));
  if (before && before->version != version) out.replaced = before->version;
  out.serving = TOLL_TRY(serving_.resolve(tx, everything, repo_id));
  return out;
}

}  // namespace toll::models
