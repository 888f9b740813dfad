// LevelDB's sorted tables, as TensorFlow writes the index of a checkpoint (github.com/google/leveldb,
// doc/table_format.md): blocks of keys that share their beginnings, an index block over them, a footer.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "base/result.h"

namespace toll::engines::spleeter {

// All entries, the values as views into `file`, which must outlive them. Reason::model_unusable, argument why: not a
// table, cut short, damaged (every block has a checksum), compressed blocks, blocks that together are longer than the
// file, keys out of order, more than 100,000 entries or 16 MiB of keys.
Result<std::map<std::string, std::span<const std::byte>>> read_table(std::span<const std::byte> file);

}  // namespace toll::engines::spleeter
