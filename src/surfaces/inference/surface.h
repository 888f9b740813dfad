#pragma once

#include "api/surface.h"
#include "surfaces/inference/house.h"

namespace toll::open_inference {

// Everything the surface says about itself: for OpenAPI, the docs and the suites.
const api::SurfaceDescription& describe();

// core and house must outlive the surface. Of core.blocking as many threads are taken as calls may be on their way.
api::Surface make(const api::Core& core, House& house);

}  // namespace toll::open_inference
