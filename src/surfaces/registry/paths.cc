#include "surfaces/registry/paths.h"

#include <algorithm>

#include "base/text.h"
#include "models/names.h"

namespace toll::registry {

namespace {

std::string joined(const std::vector<std::string>& segments, std::size_t from, std::size_t to) {
  std::string out = segments[from];
  for (std::size_t i = from + 1; i < to; ++i) out += "/" + segments[i];
  return out;
}

}  // namespace

bool fits(std::string_view place, std::string_view value) {
  if (place == "repo") return models::valid_repo_id(value);
  if (place == "version" || place == "alias" || place == "upload_id") return models::valid_label(value);
  // The router writes U+FFFD for a NUL, which no name holds.
  return !models::file_name_problem(value) && value.find("\xEF\xBF\xBD") == value.npos;
}

std::vector<DownloadPath> download_paths(std::string_view path) {
  constexpr std::string_view before = "/v1/files/", after = "/download";
  if (path.ends_with('/')) path.remove_suffix(1);
  if (!path.starts_with(before) || !path.ends_with(after) || path.size() <= before.size() + after.size()) return {};
  path = path.substr(before.size(), path.size() - before.size() - after.size());
  std::vector<std::string> segments;
  for (;;) {
    const auto slash = path.find('/');
    auto plain = percent_decode(path.substr(0, slash));
    if (!plain || !valid_utf8(*plain)) return {};
    segments.push_back(*std::move(plain));
    if (slash == path.npos) break;
    path.remove_prefix(slash + 1);
  }
  std::vector<DownloadPath> out;
  const bool whole = segments.front().find('/') != std::string::npos;
  for (std::size_t count : {2, 1, 3, 4}) {
    if (count >= segments.size() || (whole && count != 1)) continue;
    DownloadPath one{joined(segments, 0, count), joined(segments, count, segments.size())};
    if (models::valid_repo_id(one.repo_id) && !models::file_name_problem(one.rfilename)) out.push_back(std::move(one));
  }
  return out;
}

}  // namespace toll::registry
