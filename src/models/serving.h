// What an engine loads: the files of a model, by digest, verified.
//
// A model with `engine` in its card is offered to that engine. The version under the alias `production` serves, else
// what a download without a version gives. The digest of what serves is the SHA-256 over the lines
// "<sha256>  <rfilename>\n", sorted by name; a job records it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "blob/store.h"
#include "models/catalogue.h"
#include "models/feed.h"
#include "sql/database.h"

namespace toll::models {

struct ServedFile {
  std::string rfilename;
  Sha256 digest{};
  std::uint64_t size = 0;
};

// What would serve now. Keep it with the job: moving the alias counts for jobs that are accepted afterwards.
struct Serving {
  std::string repo_id;
  std::string version;  // empty: files without a version
  std::string engine;
  std::string digest;             // 64 lower-case hexadecimal characters
  std::vector<ServedFile> files;  // by name
};

// An open, checked file.
struct LoadedFile {
  std::string rfilename;
  std::shared_ptr<const blob::Reader> content;
};

inline constexpr std::string_view production = "production";

// The SHA-256 of section "Serving": lines "<sha256>  <rfilename>\n", sorted by name.
std::string serving_digest(const std::vector<ServedFile>& files);

// Thread-safe.
class ModelServing {
 public:
  ModelServing(const Clock& clock, const Catalogue& catalogue, const blob::Store& store);

  // `alias` is a version or an alias; empty: `production`, else what a download without a version gives.
  // Faults: model_not_found (also when the viewer does not see it), model_not_permitted (seen, but not to be run),
  // version_not_found, model_unusable with `why` (no ready files).
  Result<Serving> resolve(sql::Tx& tx, const Viewer& viewer, std::string_view repo_id,
                          std::string_view alias = {}) const;
  // The same, not copied, and kept: neither the list of files nor their digest is worked out again as long as nothing
  // of the model has changed. Not in a transaction that changes models: it may come to nothing.
  Result<std::shared_ptr<const Serving>> resolve_shared(sql::Tx& tx, const Viewer& viewer, std::string_view repo_id,
                                                        std::string_view alias = {}) const;
  // The same as it was recorded: of this version and digest, whatever an alias points to now. Faults: model_not_found,
  // model_unusable (its files have changed or gone).
  Result<Serving> recorded(sql::Tx& tx, std::string_view repo_id, std::string_view version,
                           std::string_view digest) const;
  // Models that this engine can run and the viewer may run, by repo_id, the first `limit` of them: each with the
  // version that would serve and its ready files of this ending. One statement, however many there are.
  struct Offer {
    std::string repo_id, version;
    std::vector<std::string> files;  // by name
  };
  std::vector<Offer> offers(sql::Tx& tx, const Viewer& viewer, std::string_view engine, std::string_view ending,
                            std::int64_t limit) const;

  // Opens every file and compares its bytes with its digest, once a process and digest. Blocking; reads everything the
  // first time. Faults: model_unusable with `why` (a file is missing or damaged).
  Result<std::vector<LoadedFile>> load(const Serving& serving) const;

 private:
  using Known = std::tuple<RepoKey, std::int64_t, std::string>;  // a revision of a model, and the alias that was asked
  Result<Serving> look_up(sql::Tx& tx, const Model& model, std::string_view alias) const;

  const Clock& clock_;
  const Catalogue& catalogue_;
  const blob::Store& store_;
  mutable std::mutex mutex_;
  mutable std::map<Known, std::shared_ptr<const Serving>> known_;
  mutable std::set<std::string> verified_;  // digests of files
};

// The built-in separator appears in the catalogue too: the system's, public, without files.
inline constexpr std::string_view builtin_author = "tollhouse", builtin_repo = "tollhouse/builtin-spectral";
// Made once; harmless when it is there.
void ensure_builtin(sql::Tx& tx, const Clock& clock, const Feed& feed);

}  // namespace toll::models
