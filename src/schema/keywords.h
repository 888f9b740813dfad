// The keywords of JSON Schema 2020-12. Private to schema/.
#pragma once

#include <span>

#include "schema/node.h"

namespace toll::schema {

// Where a keyword's argument holds schemas.
enum class Holds : std::uint8_t { nothing, schema, list, map };

struct Keyword {
  std::string_view name;
  Holds subschemas;
  // null: is not asked (it only holds schemas, or another keyword asks it).
  bool (*holds)(const Rule& rule, const json::Value& value, Run& run, Seen& seen);
};

// In the order in which they are asked: whoever needs to know what others have seen comes last.
std::span<const Keyword> keywords();
const Keyword* find_keyword(std::string_view name);

// Each: whether `value` obeys the rule; if not, `run` has been told why.
using Holding = bool(const Rule& rule, const json::Value& value, Run& run, Seen& seen);
Holding type_holds, const_holds, enum_holds, multiple_of_holds, maximum_holds, exclusive_maximum_holds, minimum_holds,
    exclusive_minimum_holds, max_length_holds, min_length_holds, pattern_holds;
Holding prefix_items_holds, items_holds, contains_holds, unevaluated_items_holds, max_items_holds, min_items_holds,
    unique_items_holds;
Holding properties_holds, pattern_properties_holds, additional_properties_holds, property_names_holds,
    dependent_schemas_holds, unevaluated_properties_holds, required_holds, dependent_required_holds,
    max_properties_holds, min_properties_holds;
Holding ref_holds, dynamic_ref_holds, all_of_holds, any_of_holds, one_of_holds, not_holds, if_holds;

}  // namespace toll::schema
