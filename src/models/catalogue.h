// Reading the registry. Everything runs in the caller's transaction and sees what the viewer may see.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "models/model.h"
#include "models/viewer.h"
#include "sql/database.h"

namespace toll::models {

struct ListQuery {
  std::string q;                   // a part of repo_id, model_name or author, ASCII case ignored; empty: all
  std::int64_t updated_since = 0;  // last_update_ts greater than this; 0: all
  std::int64_t limit = 100, offset = 0;
};

// A row of a list that the caller may know already: the same key and revision are the same Model.
struct Listed {
  RepoKey key;
  std::int64_t revision = 0;
};

struct Seen {
  Model model;
  Rights rights;
};

// A file that a download means.
struct Located {
  Seen seen;
  File file;
};

struct PlatformItem {
  std::string repo_id;
  std::int64_t allowed_from_ts = 0;
  std::optional<std::int64_t> until_ts;
  std::vector<File> files;
};

// Stateless but for the clock; thread-safe.
class Catalogue {
 public:
  explicit Catalogue(const Clock& clock) : clock_(clock) {}

  // By last_update_ts, newest first, then repo_id.
  std::vector<Listed> list(sql::Tx& tx, const Viewer& viewer, const ListQuery& query) const;
  // In the order of the keys; a key without a row is left out.
  std::vector<Model> models(sql::Tx& tx, std::span<const RepoKey> keys) const;

  // nullopt: there is none, or the viewer does not see it.
  std::optional<Seen> find(sql::Tx& tx, const Viewer& viewer, std::string_view repo_id) const;
  Aliases aliases(sql::Tx& tx, RepoKey repo) const;
  // What an alias of this name points to, of every model that has one.
  std::map<RepoKey, std::string> pointed(sql::Tx& tx, std::string_view alias) const;
  // Newest first.
  std::vector<Version> versions(sql::Tx& tx, RepoKey repo, std::int64_t limit, std::int64_t offset) const;
  std::optional<Version> version(sql::Tx& tx, RepoKey repo, std::string_view version) const;

  // By name, then version (none first, then by creation). `version` is a version or an alias; an unknown one has no
  // files. Without it: the files of all versions.
  std::vector<File> files(sql::Tx& tx, RepoKey repo, std::optional<std::string_view> version) const;
  // Ready files only, one a name. Without a version: the files without one, and those of the default version (alias
  // `latest`, else the newest completed one) whose names those do not have.
  std::vector<File> manifest(sql::Tx& tx, RepoKey repo, std::optional<std::string_view> version) const;
  // The file that a download of this name means, by the same rule; may be pending. nullopt: none.
  std::optional<File> file(sql::Tx& tx, RepoKey repo, std::string_view rfilename,
                           std::optional<std::string_view> version) const;

  // Models under a grant with `download` that is active now, by repo_id, with the ready files of every version.
  std::vector<PlatformItem> platform(sql::Tx& tx, AccountId account, std::optional<std::int64_t> limit,
                                     std::int64_t offset) const;

 private:
  std::int64_t now() const;
  const Clock& clock_;
};

}  // namespace toll::models
