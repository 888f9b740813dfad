// Archives for tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace toll::engines::documents {

// A ZIP archive with these parts, by libzip.
std::string packed(const std::vector<std::pair<std::string, std::string>>& parts);

}  // namespace toll::engines::documents
