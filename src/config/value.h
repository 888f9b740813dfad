// One value on its way into a setting, from whichever source it comes, and the conversions to the types of Settings.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.h"

namespace toll::config {

// Text from the environment or a flag: anything a person would type for the type.
struct Text {
  std::string text;
};

// A typed value of the file.
struct Value {
  using List = std::vector<Value>;
  using Table = std::map<std::string, Value>;
  std::variant<Text, std::string, std::int64_t, double, bool, List, Table> v;
};

// Each sets `out`, or returns what is wrong as a clause ("must be true or false") and leaves it alone.
std::string convert(const Value& value, std::string& out);
std::string convert(const Value& value, bool& out);
std::string convert(const Value& value, std::int64_t& out);
std::string convert(const Value& value, std::chrono::seconds& out);
std::string convert(const Value& value, Credits& out);
std::string convert(const Value& value, std::vector<std::string>& out);
std::string convert(const Value& value, std::vector<Package>& out);
std::string convert(const Value& value, std::vector<ModelPrice>& out);

std::string show(const std::string& value);
std::string show(bool value);
std::string show(std::int64_t value);
std::string show(std::chrono::seconds value);
std::string show(Credits value);
std::string show(const std::vector<std::string>& value);
std::string show(const std::vector<Package>& value);
std::string show(const std::vector<ModelPrice>& value);

}  // namespace toll::config
