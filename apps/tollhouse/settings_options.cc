#include "tollhouse/settings_options.h"

#include <algorithm>

#include "config/table.h"

namespace toll::app {

void SettingsOptions::add_to(CLI::App& command, const std::vector<std::string_view>& shown) {
  constexpr auto group = "Settings (also in the file, and as TOLLHOUSE_* variables)";
  command.add_option("--config", file_, "TOML file with settings; without it the file that TOLLHOUSE_CONFIG names.")
      ->type_name("FILE")
      ->group(group);
  const config::Settings standard;
  for (const auto& row : config::table()) {
    auto flag = config::flag_of(row);
    if (flag.empty()) continue;
    std::string name(row.name);
    auto* option = command.add_option_function<std::string>(
        flag, [this, name](const std::string& text) { flags_.emplace_back(name, text); }, std::string(row.doc));
    bool visible = shown.empty() || std::find(shown.begin(), shown.end(), row.name) != shown.end();
    option->group(visible ? group : "")->type_name(row.type == "true or false" ? "true|false" : "");
    if (auto value = row.show(standard); !value.empty()) option->default_str(value);
  }
}

config::Loaded SettingsOptions::load() const {
  config::Inputs inputs;
  inputs.environment = config::process_environment();
  inputs.flags = flags_;
  auto variable = inputs.environment.find("TOLLHOUSE_CONFIG");
  if (!file_.empty())
    inputs.file = file_;
  else if (variable != inputs.environment.end() && !variable->second.empty())
    inputs.file = variable->second;
  return config::load(inputs);
}

}  // namespace toll::app
