// The registry by the operator's hand: what it holds, what comes in from a folder, what is still whole. Works beside a
// running server.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "blob/store.h"
#include "tollhouse/console.h"
#include "tollhouse/house.h"

namespace toll::app {

int list_models(const Console& console, const House& house);

struct AddModel {
  std::string repo, version;
  std::filesystem::path from;  // a folder, or one file
  std::optional<std::string> license, engine;
};
// The files become a completed version of the model; the model is made, public and without an owner, if need be.
int add_model(const Console& console, const House& house, blob::Store& store, const AddModel& wanted);

struct PullModel {
  std::string repo;
  std::optional<std::string> version;  // a version or an alias
  std::filesystem::path to;
};
// Writes the files that a download means into a folder; each is checked on its way, and none is seen half written.
int pull_model(const Console& console, const House& house, const blob::Store& store, const PullModel& wanted);

// Reads every byte of the ready files of one model, or of all, and compares digests. `failed` if one is not whole.
int verify_models(const Console& console, const House& house, const blob::Store& store,
                  const std::optional<std::string>& repo);

// Drops bytes that nothing refers to, uploads whose time is over, and halves of broken downloads.
int collect_garbage(const Console& console, const House& house, blob::Store& store, const std::filesystem::path& data,
                    std::chrono::hours upload_retention);

}  // namespace toll::app
