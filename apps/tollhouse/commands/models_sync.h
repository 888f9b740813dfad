// A mirror of a model: from a Hugging Face-compatible hub, or from a folder.
#pragma once

#include <filesystem>
#include <string>

#include "blob/store.h"
#include "tollhouse/console.h"
#include "tollhouse/house.h"
#include "tollhouse/hub/client.h"
#include "tollhouse/hub/selection.h"

namespace toll::app {

struct SyncModel {
  std::string repo;
  std::string revision = "main";
  std::filesystem::path from;  // a folder; empty: the hub
  hub::Options hub;
  hub::Selection selection;
  int parallel = 4;
  std::filesystem::path data;  // halves of downloads wait in <data>/mirror
};

// The revision is resolved to one commit, every file of it fetched and checked, and the new snapshot replaces the old
// one in one step: `succeeded` means that all of it is here and verified. What was fetched stays for the next attempt.
int sync_model(const Console& console, const House& house, blob::Store& store, const SyncModel& wanted);

}  // namespace toll::app
