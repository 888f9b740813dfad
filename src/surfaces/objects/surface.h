#pragma once

#include "api/surface.h"
#include "surfaces/objects/house.h"

namespace toll::object_store {

// For the suites; not part of the OpenAPI document.
const api::SurfaceDescription& describe();

// core and house must outlive the surface.
api::Surface make(const api::Core& core, House& house);

}  // namespace toll::object_store
