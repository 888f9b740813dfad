// Trained separators: from published checkpoints to models that the registry holds and the stems surface serves.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "blob/store.h"
#include "tollhouse/console.h"
#include "tollhouse/house.h"
#include "tollhouse/hub/client.h"

namespace toll::app {

// A checkpoint (.th or .safetensors), or the YAML of a bag whose checkpoints lie beside it.
struct ImportHtdemucs {
  std::filesystem::path file;
  std::string name;     // htdemucs, htdemucs_ft or htdemucs_6s; empty: what the file is
  std::string licence;  // of checkpoints that are not the published ones; may be empty
};
// Makes a version of tollhouse/<name>, which belongs to no account and is public. A file that is not what it says it is
// is refused with the reason, and nothing is stored. A server that runs serves the jobs that it accepts afterwards with
// it.
int import_htdemucs(const Console& console, const House& house, blob::Store& store, const ImportHtdemucs& wanted);

struct PullHtdemucs {
  std::string name;                // of a published model
  std::string base_url;            // below which the authors' folders are
  std::vector<std::string> files;  // instead of those that are known to be published
  hub::Options hub;                // patience
  std::filesystem::path data;
};
bool is_published(const std::string& name);
// Downloads the published files, each compared with the digest that its name promises, and imports them.
int pull_htdemucs(const Console& console, const House& house, blob::Store& store, const PullHtdemucs& wanted);

}  // namespace toll::app
