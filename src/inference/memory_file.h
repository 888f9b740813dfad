// Files without a name or a disk (memfd): how tensors travel to a worker and back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/fd.h"

namespace toll::inference {

// Empty, or with these pieces one behind the other. Throws std::system_error.
engine::Fd memory_file();
engine::Fd memory_file(const std::vector<std::string_view>& pieces);

// The whole file. It is copied, never mapped: a worker that holds the other end could cut it short under us.
// nullopt: it is larger than `most`. Faults: internal when it shrinks meanwhile. Throws std::system_error.
Result<std::optional<std::string>> read_memory_file(int fd, std::uint64_t most);

}  // namespace toll::inference
