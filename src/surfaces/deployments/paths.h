// Which family of routes a path belongs to; so where its credential stands, and how status_api looks.
#pragma once

#include <cstdint>
#include <string_view>

namespace toll::deployed {

enum class Family : std::uint8_t {
  management,  // /unstract/..., /mcp
  documented,  // /deployment/{api_key}/...
  compat       // /deployment/api/{org_id}/{api_name}
};

struct Approach {
  Family family = Family::management;
  std::string_view place;      // documented: the segment with the key, as sent
  bool documentation = false;  // docs and openapi.json: the key in the path is enough
};
Approach approach_of(std::string_view path);

// api::PlaceCheck of every route of this surface: "api" is no key.
bool fits(std::string_view place, std::string_view value);

}  // namespace toll::deployed
