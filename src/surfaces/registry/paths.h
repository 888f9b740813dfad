// Repositories and files have slashes in their names: which texts fit the places of a route, and where the path of a
// download is split.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace toll::registry {

// api::PlaceCheck of every route of this surface: {repo}, {version}, {alias}, {upload_id}, {path}.
bool fits(std::string_view place, std::string_view value);

struct DownloadPath {
  std::string repo_id, rfilename;
};
// "/v1/files/acme/bert/onnx/model.onnx/download", as sent: every way to read it whose names are valid, the likeliest
// first: repositories of 2 segments, then 1, 3 and 4. A first segment that contains %2F is the whole repository.
std::vector<DownloadPath> download_paths(std::string_view path);

}  // namespace toll::registry
