#pragma once

#include "api/surface.h"
#include "surfaces/registry/house.h"

namespace toll::registry {

// Everything the surface says about itself: for OpenAPI, the docs and the suites.
const api::SurfaceDescription& describe();

// core and house must outlive the surface.
api::Surface make(const api::Core& core, House& house);

}  // namespace toll::registry
