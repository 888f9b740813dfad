// The versions of a model, and what its aliases point to.
#pragma once

#include <string>

#include "tollhouse/console.h"
#include "tollhouse/house.h"

namespace toll::app {

int list_versions(const Console& console, const House& house, const std::string& repo);
// From now on `alias` means this version: `production` is what serves, so that moving it back is the way back from a
// version that proved worse. A running server follows with the next job.
int set_alias(const Console& console, const House& house, const std::string& repo, const std::string& alias,
              const std::string& version);
int remove_alias(const Console& console, const House& house, const std::string& repo, const std::string& alias);

}  // namespace toll::app
