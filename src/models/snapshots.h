// Files that are in this house already become part of a model: what `tollhouse models add` and `sync` end with.
//
//   writer = store.create(); ...; staged = writer->finish();      each file, durable, outside of a transaction
//   db.write([&](Tx& tx) { return snapshots.replace(tx, repo, source, files); });     all of them, or none
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "blob/store.h"
#include "models/feed.h"
#include "models/model.h"
#include "models/publishing.h"
#include "objects/objects.h"
#include "sql/database.h"

namespace toll::models {

struct SnapshotFile {
  std::string rfilename;
  // One of the two: bytes that are staged, or bytes that the house holds already (objects::Objects::find, or the file
  // of the same digest in an earlier snapshot).
  std::shared_ptr<blob::Staged> staged;
  std::optional<Sha256> held;
};

// What the source says of the model.
struct Source {
  Card card;
  std::optional<std::string> parameters_readable, commit;
  std::optional<std::string> notes;  // of a version: what it is and where it came from
  std::optional<std::int64_t> downloads, likes;
  std::optional<Time> created_at, last_modified;
};

// Whether a model, a version, an engine and files may be called so, to be asked before bytes are read; Snapshots asks
// too. Faults: invalid_request, whose cause is a sentence for the operator.
Result<void> check_names(std::string_view repo_id, std::optional<std::string_view> version,
                         const std::optional<std::string>& engine, const std::vector<SnapshotFile>& files = {});

// Thread-safe. Names are checked before anything is written: invalid_request, as of check_names.
class Snapshots {
 public:
  Snapshots(const Clock& clock, const Catalogue& catalogue, const Feed& feed, const objects::Objects& objects);

  // The mirrored model holds exactly these files, without a version; made, public and without an owner, if it is not
  // there. Unchanged files keep their rows, what the source does not tell stays as it is, and the model counts as
  // changed only if its files or what is told of it (but likes and downloads) are. Faults: repo_taken (an account owns
  // or owned it), not_found (a `held` digest is not here any more: fetch it again), storage_full.
  Result<RepoKey> replace(sql::Tx& tx, std::string_view repo_id, const Source& source,
                          const std::vector<SnapshotFile>& files) const;
  // A completed version with these files, of an existing model or of a new one without an owner; one of nobody's that
  // was deleted is made anew. Faults: repo_taken (an account deleted it and keeps its name),
  // file_exists (the version has a file of this name with other bytes), version_is_alias, not_found, storage_full.
  Result<VersionKey> add_version(sql::Tx& tx, std::string_view repo_id, std::string_view version, const Source& source,
                                 const std::vector<SnapshotFile>& files) const;
  // The digest of a file of any model with these bytes, to skip fetching them: of the operator's commands only.
  bool holds(sql::Tx& tx, const Sha256& digest) const;

 private:
  Result<void> put(sql::Tx& tx, const Model& model, const std::optional<Version>& version,
                   const SnapshotFile& file) const;

  const Clock& clock_;
  const Catalogue& catalogue_;
  const Feed& feed_;
  const objects::Objects& objects_;
};

}  // namespace toll::models
