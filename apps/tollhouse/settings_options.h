// The flags of a command that set settings: one for each row of the table that may have one, and --config.
#pragma once

#include <CLI/App.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/load.h"

namespace toll::app {

class SettingsOptions {
 public:
  // Adds all flags to the command; its help shows those of `shown`, or all when that is empty.
  void add_to(CLI::App& command, const std::vector<std::string_view>& shown);
  // File (--config, else TOLLHOUSE_CONFIG) < environment < flags, as the parsed command line has them.
  config::Loaded load() const;

 private:
  std::string file_;
  std::vector<std::pair<std::string, std::string>> flags_;
};

}  // namespace toll::app
