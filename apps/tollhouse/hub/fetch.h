// A file that no list tells the size or the digest of: fetched with bounds, and gone on with where it broke, also by
// another process later.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "tollhouse/hub/options.h"

namespace toll::app::hub {

struct Fetch {
  std::string url;
  std::filesystem::path part;  // and <part>.from beside it, which says what the bytes are the beginning of
  std::uint64_t most_bytes = 0;
  std::chrono::seconds most_time{0};  // all attempts together
};

struct Watch {
  // How much of it is here; how much it is, as far as that is known. Falls when what was here proved useless.
  std::function<void(std::uint64_t done, std::optional<std::uint64_t> all)> arrived;
  // It broke, and goes on after a pause.
  std::function<void(const std::string& why, std::chrono::milliseconds pause)> waiting;
};

// `part` holds all that the server has, as it says itself: whether that is what was wanted, the caller knows. Its value
// tells whether some of it came before this call, so that a wrong whole may have an old beginning. What has come stays
// there when this fails, but of a server that contradicts itself or sends too much. Faults: not_found, upstream_failed
// (other statuses, too many redirects, more than `most_bytes`, longer than `most_time`, an empty file), storage_full.
// Throws std::system_error for other faults of the disk.
Result<bool> fetch(const Options& options, const Fetch& wanted, const Watch& watch);

}  // namespace toll::app::hub
