#pragma once

#include <filesystem>
#include <memory>

#include "blob/folder/files.h"
#include "blob/store.h"

namespace toll::blob::folder {

// open_folder_store with the choice of temporaries, so that the suite can run on both kinds.
std::unique_ptr<Store> open(const std::filesystem::path& root, Naming naming);

}  // namespace toll::blob::folder
