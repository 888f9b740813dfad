#include "surfaces/deployments/paths.h"

namespace toll::deployed {

namespace {
std::string_view take_segment(std::string_view& path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  const auto segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}
}  // namespace

Approach approach_of(std::string_view path) {
  if (take_segment(path) != "deployment") return {};
  const auto place = take_segment(path);
  if (place.empty() || place == "api") return {Family::compat, {}, false};
  const auto next = take_segment(path);
  return {Family::documented, place, next == "docs" || next == "openapi.json"};
}

bool fits(std::string_view place, std::string_view value) {
  return place != "api_key" || value != "api";
}

}  // namespace toll::deployed
