// Which models of the registry analyse media, by the operator's hand.
#pragma once

#include <cstdint>
#include <string>

#include "blob/store.h"
#include "tollhouse/console.h"
#include "tollhouse/house.h"

namespace toll::app {

int list_media_models(const Console& console, const House& house, const blob::Store& store);
// The manifest is compared with the model, which a worker loads for that. Counts for records that are accepted
// afterwards.
int assign_media_model(const Console& console, const House& house, const blob::Store& store, const std::string& role,
                       const std::string& repo, const std::string& version, std::uint64_t memory_bytes);
// The built-in analysis does it again.
int unassign_media_model(const Console& console, const House& house, const blob::Store& store, const std::string& role);

}  // namespace toll::app
