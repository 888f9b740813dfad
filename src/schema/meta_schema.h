// The rules for schemas as a schema. Private to schema/.
#pragma once

#include <string_view>

namespace toll::schema {

// The meta-schema of 2020-12 with all of its vocabularies in one document.
extern const std::string_view meta_schema;
inline constexpr std::string_view dialect = "https://json-schema.org/draft/2020-12/schema";

}  // namespace toll::schema
