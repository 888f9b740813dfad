#include "surfaces/deployments/paths.h"

#include "base/text.h"

namespace toll::deployed {

namespace {
std::string_view take_segment(std::string_view& path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  const auto segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}
// As the router reads it.
bool is(std::string_view segment, std::string_view word) {
  return segment == word || (segment.find('%') != segment.npos && percent_decode(segment) == word);
}
}  // namespace

Approach approach_of(std::string_view path) {
  if (!is(take_segment(path), "deployment")) return {};
  const auto place = take_segment(path);
  if (place.empty() || is(place, "api")) return {Family::compat, {}, false};
  const auto next = take_segment(path);
  return {Family::documented, place, is(next, "docs") || is(next, "openapi.json")};
}

bool fits(std::string_view place, std::string_view value) {
  return place != "api_key" || value != "api";
}

}  // namespace toll::deployed
