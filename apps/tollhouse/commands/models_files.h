// Files on their way into the store.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "blob/store.h"

namespace toll::app {

// The files of a folder by their names in it, sorted; or the one file by its own name. Debris is left out, links are
// followed. Faults: not_found (no such place, or nothing in it), invalid_request (a name that no file of a model may
// have).
Result<std::vector<std::pair<std::string, std::filesystem::path>>> files_below(const std::filesystem::path& from);

// Every staged file is an open one until all of them are stored together: lets this process have as many as the system
// allows it. Faults: overloaded, when these are still too many; its cause says what to raise.
Result<void> make_room_for(std::size_t staged_files);

struct StagedFile {
  std::shared_ptr<blob::Staged> staged;
  std::string git_blob;  // Git's SHA-1 of the same bytes
};
// Reads the file into the store. Blocking. Faults: storage_full; throws when it cannot be read.
Result<StagedFile> stage_file(blob::Store& store, const std::filesystem::path& path,
                              const std::function<void(std::uint64_t bytes)>& progress);

}  // namespace toll::app
