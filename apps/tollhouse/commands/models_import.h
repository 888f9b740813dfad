// Trained separators: from published checkpoints to models that the registry holds and the stems surface serves.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "blob/store.h"
#include "engines/htdemucs/bundle.h"
#include "models/installs.h"
#include "tollhouse/console.h"
#include "tollhouse/house.h"

namespace toll::app {

// The files of one model and how they go together.
struct Checkpoints {
  std::vector<std::filesystem::path> files;
  std::vector<std::vector<double>> weights;  // empty: all 1
  std::optional<double> segment;             // seconds, of the bag
};

struct Import {
  std::string name;     // htdemucs, htdemucs_ft or htdemucs_6s
  std::string version;  // of tollhouse/<name>
  engines::htdemucs::Bundle bundle;
  models::Installed installed;
};
// Makes a version of tollhouse/<name>, which belongs to no account and is public, and lets it serve: also the jobs that
// a running server accepts afterwards. `name` may be empty: what the checkpoints are. `licence` is of weights that are
// not the published ones. When it fails nothing is stored. Faults: model_unusable with `why` (checkpoint.h, network.h;
// another digest than the name says; other stems than the name has), repo_taken, not_found, storage_full.
Result<Import> import_checkpoints(const Console& console, const House& house, blob::Store& store,
                                  const Checkpoints& checkpoints, const std::string& name, const std::string& licence);
int show_import(const Console& console, const Import& done);
// That nothing was stored, and what to do now.
std::string hint_for(const Fault& fault);

// A checkpoint (.th or .safetensors), or the YAML of a bag whose checkpoints lie beside it.
struct ImportHtdemucs {
  std::filesystem::path file;
  std::string name, licence;  // as of import_checkpoints
};
int import_htdemucs(const Console& console, const House& house, blob::Store& store, const ImportHtdemucs& wanted);

}  // namespace toll::app
