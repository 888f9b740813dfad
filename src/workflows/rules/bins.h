// classify by rules: which bin a text belongs to.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "json/parse.h"
#include "workflows/rules/phrase.h"

namespace toll::workflows::rules {

inline constexpr std::string_view unknown_bin = "unknown";

struct Bin {
  std::string name;
  std::variant<std::vector<Phrase>, pattern::Pattern> sign;  // keywords, or an expression
};

struct Classified {
  std::string bin;      // unknown_bin: no sign of any was found
  json::Object scores;  // of each bin 0 to 1: the share of its keywords that occur; of an expression 0 or 1
};

// The bin with the highest score; of equal ones the first.
Classified classify(const std::vector<Bin>& bins, std::string_view text);

}  // namespace toll::workflows::rules
