#include "identity/principal.h"

#include <algorithm>
#include <array>

namespace toll::identity {

std::string_view to_string(CredentialKind kind) {
  static constexpr std::array<std::string_view, 7> names{"session",      "stems_key",   "tunes_key",  "deployment_key",
                                                         "registry_key", "client_pair", "admin_token"};
  return names[static_cast<std::size_t>(kind)];
}

bool Principal::has_scope(std::string_view scope) const {
  return std::ranges::find(scopes, scope) != scopes.end();
}

const PrincipalPtr& nobody() {
  static const PrincipalPtr none = std::make_shared<const Principal>();
  return none;
}

}  // namespace toll::identity
