// The declared table: one row a setting. Reading, checking, flags, environment names, `config print` and the docs all
// come from it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "config/value.h"

namespace toll::config {

enum class Secrecy {
  open,
  url_password,  // a URL that may hold a password
  secret,        // shown as ******, and no flag: command lines are readable by every user of the machine
};

struct Row {
  std::string_view name;  // "server.listen"
  std::string_view type;  // "text", "whole number", ...
  std::string_view doc;   // one sentence
  Secrecy secrecy = Secrecy::open;
  bool file_only = false;                // too structured for a flag or a variable
  std::vector<std::string_view> also{};  // other variables, that documents of others name; the last one set wins
  std::function<std::string(Settings&, const Value&)> assign;  // the problem as a clause, empty when all is well
  std::function<std::string(const Settings&)> show;            // as one would write it in the environment
};

std::span<const Row> table();
const Row* find_row(std::string_view name);

// "--listen", "--stems-max-upload-bytes"; empty when the setting has no flag.
std::string flag_of(const Row& row);
// "TOLLHOUSE_SERVER_LISTEN"; empty when the setting has no variable.
std::string variable_of(const Row& row);
// What may be shown of a value: secrets masked.
std::string masked(const Row& row, const std::string& shown);

}  // namespace toll::config
