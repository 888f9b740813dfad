// The system's own models: a new version comes in by the operator's hand and serves from then on.
//
//   staged files;     outside of a transaction
//   db.write([&](Tx& tx) { return installs.install(tx, repo, version, source, files, told, trace); });   all of it, or
//   none
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "models/access_log.h"
#include "models/catalogue.h"
#include "models/publishing.h"
#include "models/serving.h"
#include "models/snapshots.h"
#include "sql/database.h"

namespace toll::models {

struct Installed {
  Serving serving;                      // what serves now
  bool made = false;                    // false: the version was here with these files, and nothing has changed
  std::optional<std::string> replaced;  // the version that served until now, if another did
};

// Stateless but for its collaborators; thread-safe.
class Installs {
 public:
  Installs(const Catalogue& catalogue, const Snapshots& snapshots, const Publishing& publishing,
           const ModelServing& serving)
      : catalogue_(catalogue), snapshots_(snapshots), publishing_(publishing), serving_(serving) {}

  // Adds the version, keeps what `source` tells with it (told.h) and moves the alias `production` to it, so that the
  // model's card says so. A version that is here already stays as it is, and so does the alias: who went back to an
  // older one is not overruled by a repetition. The bytes of staged files are the store's afterwards, whatever it held
  // under their names. Faults: repo_taken (the name belongs to an account), file_exists, version_is_alias,
  // storage_full.
  Result<Installed> install(sql::Tx& tx, std::string_view repo_id, std::string_view version, const Source& source,
                            const std::vector<SnapshotFile>& files, const Trace& trace) const;

 private:
  void keep(sql::Tx& tx, std::string_view repo_id, std::string_view version, const Card& told) const;
  bool is_here(sql::Tx& tx, RepoKey repo, std::string_view version, const std::vector<SnapshotFile>& files) const;

  const Catalogue& catalogue_;
  const Snapshots& snapshots_;
  const Publishing& publishing_;
  const ModelServing& serving_;
};

}  // namespace toll::models
