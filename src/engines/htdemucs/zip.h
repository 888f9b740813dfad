// The zip archives that torch.save writes: entries one after the other, none compressed (PKWARE's APPNOTE 6.3).
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "base/result.h"

namespace toll::engines::htdemucs {

// The entries by name, as views into `archive`: nothing is unpacked, so nothing can grow. Reason::model_unusable,
// argument why: not a zip archive, cut short, compressed or encrypted entries, ZIP64 sizes, two entries of one name or
// in one place, more than 65,535 of them.
Result<std::map<std::string, std::span<const std::byte>>> read_zip(std::span<const std::byte> archive);

}  // namespace toll::engines::htdemucs
