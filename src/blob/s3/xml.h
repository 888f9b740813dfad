// As much XML as S3's answers need: elements without attributes that matter, found by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace toll::blob::s3 {

// What stands between <name> and </name>, of the first one; entities are kept. nullopt: there is none.
std::optional<std::string_view> element(std::string_view xml, std::string_view name);
// Of all of them, in order; of elements that do not hold one of their own name.
std::vector<std::string_view> elements(std::string_view xml, std::string_view name);
// The five entities of XML, resolved.
std::string plain(std::string_view text);

}  // namespace toll::blob::s3
