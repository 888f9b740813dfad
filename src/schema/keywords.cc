#include "schema/keywords.h"

#include <algorithm>
#include <array>

namespace toll::schema {

namespace {

constexpr std::array all{
    Keyword{"$ref", Holds::nothing, ref_holds},
    Keyword{"$dynamicRef", Holds::nothing, dynamic_ref_holds},
    Keyword{"$defs", Holds::map, nullptr},
    Keyword{"type", Holds::nothing, type_holds},
    Keyword{"const", Holds::nothing, const_holds},
    Keyword{"enum", Holds::nothing, enum_holds},
    Keyword{"multipleOf", Holds::nothing, multiple_of_holds},
    Keyword{"maximum", Holds::nothing, maximum_holds},
    Keyword{"exclusiveMaximum", Holds::nothing, exclusive_maximum_holds},
    Keyword{"minimum", Holds::nothing, minimum_holds},
    Keyword{"exclusiveMinimum", Holds::nothing, exclusive_minimum_holds},
    Keyword{"maxLength", Holds::nothing, max_length_holds},
    Keyword{"minLength", Holds::nothing, min_length_holds},
    Keyword{"pattern", Holds::nothing, pattern_holds},
    Keyword{"maxItems", Holds::nothing, max_items_holds},
    Keyword{"minItems", Holds::nothing, min_items_holds},
    Keyword{"uniqueItems", Holds::nothing, unique_items_holds},
    Keyword{"maxProperties", Holds::nothing, max_properties_holds},
    Keyword{"minProperties", Holds::nothing, min_properties_holds},
    Keyword{"required", Holds::nothing, required_holds},
    Keyword{"dependentRequired", Holds::nothing, dependent_required_holds},
    Keyword{"prefixItems", Holds::list, prefix_items_holds},
    Keyword{"items", Holds::schema, items_holds},
    Keyword{"contains", Holds::schema, contains_holds},
    Keyword{"properties", Holds::map, properties_holds},
    Keyword{"patternProperties", Holds::map, pattern_properties_holds},
    Keyword{"additionalProperties", Holds::schema, additional_properties_holds},
    Keyword{"propertyNames", Holds::schema, property_names_holds},
    Keyword{"dependentSchemas", Holds::map, dependent_schemas_holds},
    Keyword{"allOf", Holds::list, all_of_holds},
    Keyword{"anyOf", Holds::list, any_of_holds},
    Keyword{"oneOf", Holds::list, one_of_holds},
    Keyword{"not", Holds::schema, not_holds},
    Keyword{"if", Holds::schema, if_holds},
    Keyword{"then", Holds::schema, nullptr},
    Keyword{"else", Holds::schema, nullptr},
    Keyword{"contentSchema", Holds::schema, nullptr},
    Keyword{"unevaluatedItems", Holds::schema, unevaluated_items_holds},
    Keyword{"unevaluatedProperties", Holds::schema, unevaluated_properties_holds},
};

}  // namespace

std::span<const Keyword> keywords() {
  return all;
}

const Keyword* find_keyword(std::string_view name) {
  const auto it = std::find_if(all.begin(), all.end(), [&](const Keyword& keyword) { return keyword.name == name; });
  return it == all.end() ? nullptr : &*it;
}

}  // namespace toll::schema
