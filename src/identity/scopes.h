// How a key's scopes stand in its row: names without spaces, one space between.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace toll::identity {

std::vector<std::string> split_scopes(std::string_view text);
std::string join_scopes(const std::vector<std::string>& scopes);

}  // namespace toll::identity
