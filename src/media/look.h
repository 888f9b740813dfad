// Whether a model can be what its manifest says: loaded once in a worker, before it is assigned.
#pragma once

#include "blob/store.h"
#include "engine/host.h"
#include "media/models.h"

namespace toll::media {

// Blocking. Faults: model_unusable with `why` (a file is missing, it cannot be loaded, an embedding that is not 512
// wide, names that are not its own).
Result<void> check_loaded(const blob::Store& store, const Found& found, engine::Runner& runner);

}  // namespace toll::media
