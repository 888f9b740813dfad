#include "tollhouse/hub/selection.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>

namespace toll::app::hub {

namespace {

bool matches_any(const std::vector<std::string>& patterns, const std::string& name) {
  return std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0; });
}

}  // namespace

bool Selection::wants(const std::string& name) const {
  return (include.empty() || matches_any(include, name)) && !matches_any(exclude, name);
}

bool is_debris(std::string_view name) {
  constexpr std::array<std::string_view, 3> folders{".cache", ".git", ".huggingface"};
  constexpr std::array<std::string_view, 5> endings{".lock", ".incomplete", ".part", ".partial", ".tmp"};
  for (auto rest = name; rest.find('/') != rest.npos; rest = rest.substr(rest.find('/') + 1))
    if (std::ranges::find(folders, rest.substr(0, rest.find('/'))) != folders.end()) return true;
  return std::ranges::any_of(endings, [&](std::string_view ending) { return name.ends_with(ending); });
}

}  // namespace toll::app::hub
