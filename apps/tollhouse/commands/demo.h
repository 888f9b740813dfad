// The demonstration: a client of the running server, from an account to stems on the disk.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "tollhouse/console.h"
#include "tollhouse/house.h"

namespace toll::app {

struct DemoOptions {
  std::string url;             // of the running server, without a final slash
  std::filesystem::path data;  // demo.json (the account; mode 0600) and demo/ (the stems) go here
  std::filesystem::path file;  // the song
  std::chrono::seconds patience{1800};
};

// Opens the server's database, for credits when the demo's account has run out of them.
using OpenHouse = std::function<std::unique_ptr<House>()>;

// Succeeds only when the four WAV stems lie there, as long as the song and none of them silent.
int demo(const Console& console, const DemoOptions& options, const OpenHouse& open_house);

}  // namespace toll::app
