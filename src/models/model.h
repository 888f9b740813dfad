// What the registry knows, as plain structs. *_ts are whole seconds since 1970, as the registry counts time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace toll::models {

using RepoKey = StrongId<struct RepoTag, std::int64_t>;        // a repository's row
using VersionKey = StrongId<struct VersionTag, std::int64_t>;  // a version's row; 0: no version

constexpr std::int64_t to_seconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

// What people say about a model. In a change, nullopt keeps what is there.
struct Card {
  std::optional<std::string> canonical_url, model_name, author, pipeline_tag, license, languages, tags, engine;
  std::optional<std::int64_t> parameters;
};

struct Model {
  RepoKey key;
  std::int64_t revision = 0;  // another one as soon as anything here differs
  std::string repo_id;
  std::optional<AccountId> owner;  // none: mirrored, or the system's
  bool is_public = false;
  Card card;
  std::optional<std::string> parameters_readable;
  std::int64_t downloads = 0;
  std::optional<std::int64_t> likes;
  std::optional<Time> created_at, last_modified;
  std::int64_t last_update_ts = 0;
  std::int64_t file_count = 0;  // ready files that a download without a version reaches; so are the two flags
  bool has_safetensors = false, has_bin = false;
  std::optional<std::string> source_commit;
};

struct Version {
  VersionKey key;
  std::string version;
  std::optional<std::string> notes, commit;
  Time created_at;
  std::optional<Time> completed_at;  // none: open
  std::int64_t file_count = 0, size = 0;
  std::vector<std::string> aliases;
};

struct File {
  std::string rfilename;
  std::optional<std::string> version;  // none: the file has no version
  bool ready = false;                  // else pending: announced, its bytes have not come
  std::optional<std::int64_t> size;    // as stored; none while pending
  std::optional<std::string> sha256;   // 64 lower-case hexadecimal characters
  std::string object_key;
  std::int64_t updated_ts = 0;
};

using Aliases = std::map<std::string, std::string>;  // alias -> version

}  // namespace toll::models
