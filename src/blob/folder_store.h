#pragma once

#include <filesystem>

#include "blob/store.h"

namespace toll::blob {

// Store over one directory: <root>/blobs/ab/cdef... and unnamed temporaries (O_TMPFILE; named ones in <root>/staging
// where the file system has none). Directories are made at construction, mode 0700. Throws std::system_error when it
// cannot.
std::unique_ptr<Store> open_folder_store(const std::filesystem::path& root);

}  // namespace toll::blob
