// Models have slashes in their names: which texts fit the places of a route.
#pragma once

#include <string_view>

namespace toll::open_inference {

// api::PlaceCheck of every route of this surface: {repo}, {version} (a version or an alias).
bool fits(std::string_view place, std::string_view value);

}  // namespace toll::open_inference
