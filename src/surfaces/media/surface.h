#pragma once

#include "api/surface.h"
#include "surfaces/media/house.h"

namespace toll::media_api {

// Everything the surface says about itself: for OpenAPI, the docs and the suites.
const api::SurfaceDescription& describe();

// core and house must outlive the surface.
api::Surface make(const api::Core& core, House& house);

}  // namespace toll::media_api
