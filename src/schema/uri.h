// Reference resolution of RFC 3986, 5.2, as far as identifiers in a schema need it.
#pragma once

#include <string>
#include <string_view>

namespace toll::schema {

// `reference` against `base`; both without checks of their characters.
std::string resolve(std::string_view base, std::string_view reference);

}  // namespace toll::schema
