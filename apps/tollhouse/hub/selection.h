// Which files of a model are mirrored.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace toll::app::hub {

// Shell patterns over the whole name, where * crosses slashes too, as Hub clients have it.
struct Selection {
  std::vector<std::string> include;  // empty: everything
  std::vector<std::string> exclude;
  bool wants(const std::string& name) const;
};

// What a download tool or Git leaves in a folder and no model is made of: .cache/, .git/, locks, half files.
bool is_debris(std::string_view name);

}  // namespace toll::app::hub
