// What the versions of a system's model were made of, as their imports described it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "blob/store.h"
#include "engines/htdemucs/bundle.h"
#include "tollhouse/house.h"

namespace toll::app {

// Of the versions that are here and hold a description of this file name that can be read.
std::vector<engines::htdemucs::Bundle> bundles_of(const House& house, const blob::Store& store, const std::string& repo,
                                                  std::string_view description);

}  // namespace toll::app
