// Trained separators from where they are published.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "blob/store.h"
#include "tollhouse/console.h"
#include "tollhouse/house.h"
#include "tollhouse/hub/options.h"

namespace toll::app {

struct PullHtdemucs {
  std::string name;                // of a published model
  std::string base_url;            // below which the authors' folders are; without a final slash
  std::vector<std::string> files;  // instead of those that are known to be published
  std::filesystem::path data;      // halves wait in <data>/mirror
  std::uint64_t most_bytes = 0;    // of a file
  std::chrono::seconds most_time{0};
  hub::Options hub;  // patience
};
bool is_published(const std::string& name);
// Downloads the published files, each compared with the digest that its name promises, and imports them. What came of
// them before this failed or was stopped stays, and the same command goes on with it.
int pull_htdemucs(const Console& console, const House& house, blob::Store& store, const PullHtdemucs& wanted);

}  // namespace toll::app
