#pragma once

#include "api/surface.h"
#include "surfaces/deployments/house.h"

namespace toll::deployed {

// Everything the surface says about itself: for OpenAPI, the docs and the suites.
const api::SurfaceDescription& describe();

// core and house must outlive the surface.
api::Surface make(const api::Core& core, House& house);

// The same of the MCP endpoints, which speak JSON-RPC. To be added before the other one: unknown paths below
// /deployment are that one's to answer.
const api::SurfaceDescription& describe_mcp();
api::Surface make_mcp(const api::Core& core, House& house);

}  // namespace toll::deployed
