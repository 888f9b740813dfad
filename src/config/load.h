// Settings out of their sources: defaults < file < environment < flags. Every problem is found in one go.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"

namespace toll::config {

struct Inputs {
  std::optional<std::filesystem::path> file;               // TOML
  std::map<std::string, std::string> environment;          // variables; only those of settings are looked at
  std::vector<std::pair<std::string, std::string>> flags;  // setting name, text; the last one counts
};

struct Problem {
  std::string where;    // "tollhouse.toml:3", "TOLLHOUSE_SERVER_LISTEN", "--listen", a setting's name
  std::string message;  // one sentence, never the value of a secret
};

struct Loaded {
  Settings settings;                           // usable only without problems
  std::map<std::string, std::string> sources;  // setting name -> where, as in Problem; absent: the default
  std::vector<Problem> problems;
  bool ok() const { return problems.empty(); }
};

Loaded load(const Inputs& inputs);

// This process's TOLLHOUSE_* variables, and those that rows name besides (Row::also).
std::map<std::string, std::string> process_environment();

// One setting as `config print` shows it.
struct Entry {
  std::string name;
  std::string value;  // masked
  std::string source;
  std::string standard;  // the default
  std::string type;
  std::string doc;
  std::string flag;      // empty: none
  std::string variable;  // empty: none
};
std::vector<Entry> entries(const Loaded& loaded);

// The known name nearest to a wrong one; empty when none is near.
std::string nearest(std::string_view wrong, const std::vector<std::string>& known);

}  // namespace toll::config
