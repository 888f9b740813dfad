#include "identity/scopes.h"

#include <algorithm>

namespace toll::identity {

std::vector<std::string> split_scopes(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto scope = text.substr(0, text.find(' '));
    out.emplace_back(scope);
    text.remove_prefix(std::min(text.size(), scope.size() + 1));
  }
  return out;
}

std::string join_scopes(const std::vector<std::string>& scopes) {
  std::string out;
  for (const auto& scope : scopes) {
    if (!out.empty()) out += ' ';
    out += scope;
  }
  return out;
}

}  // namespace toll::identity
