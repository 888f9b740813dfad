#include "schema/meta_schema.h"

namespace toll::schema {

// What core (8 to 11), applicator and validation (6) demand of each keyword's argument.
const std::string_view meta_schema = R"json({
  "type": ["object", "boolean"],
  "properties": {
    "$id": {"type": "string", "pattern": "^[^#]*#?$"},
    "$schema": {"type": "string"},
    "$ref": {"type": "string"},
    "$anchor": {"$ref": "#/$defs/anchor"},
    "$dynamicRef": {"type": "string"},
    "$dynamicAnchor": {"$ref": "#/$defs/anchor"},
    "$vocabulary": {"type": "object", "additionalProperties": {"type": "boolean"}},
    "$comment": {"type": "string"},
    "$defs": {"$ref": "#/$defs/schemas_by_name"},
    "definitions": {"$ref": "#/$defs/schemas_by_name"},

    "prefixItems": {"$ref": "#/$defs/schemas"},
    "items": {"$ref": "#"},
    "contains": {"$ref": "#"},
    "additionalProperties": {"$ref": "#"},
    "properties": {"$ref": "#/$defs/schemas_by_name"},
    "patternProperties": {"$ref": "#/$defs/schemas_by_name"},
    "dependentSchemas": {"$ref": "#/$defs/schemas_by_name"},
    "propertyNames": {"$ref": "#"},
    "if": {"$ref": "#"},
    "then": {"$ref": "#"},
    "else": {"$ref": "#"},
    "allOf": {"$ref": "#/$defs/schemas"},
    "anyOf": {"$ref": "#/$defs/schemas"},
    "oneOf": {"$ref": "#/$defs/schemas"},
    "not": {"$ref": "#"},
    "unevaluatedItems": {"$ref": "#"},
    "unevaluatedProperties": {"$ref": "#"},

    "type": {
      "anyOf": [
        {"$ref": "#/$defs/type"},
        {"type": "array", "items": {"$ref": "#/$defs/type"}, "minItems": 1, "uniqueItems": true}
      ]
    },
    "const": true,
    "enum": {"type": "array"},
    "multipleOf": {"type": "number", "exclusiveMinimum": 0},
    "maximum": {"type": "number"},
    "exclusiveMaximum": {"type": "number"},
    "minimum": {"type": "number"},
    "exclusiveMinimum": {"type": "number"},
    "maxLength": {"$ref": "#/$defs/count"},
    "minLength": {"$ref": "#/$defs/count"},
    "pattern": {"type": "string"},
    "maxItems": {"$ref": "#/$defs/count"},
    "minItems": {"$ref": "#/$defs/count"},
    "uniqueItems": {"type": "boolean"},
    "maxContains": {"$ref": "#/$defs/count"},
    "minContains": {"$ref": "#/$defs/count"},
    "maxProperties": {"$ref": "#/$defs/count"},
    "minProperties": {"$ref": "#/$defs/count"},
    "required": {"$ref": "#/$defs/names"},
    "dependentRequired": {"type": "object", "additionalProperties": {"$ref": "#/$defs/names"}},

    "title": {"type": "string"},
    "description": {"type": "string"},
    "default": true,
    "deprecated": {"type": "boolean"},
    "readOnly": {"type": "boolean"},
    "writeOnly": {"type": "boolean"},
    "examples": {"type": "array"},
    "format": {"type": "string"},
    "contentEncoding": {"type": "string"},
    "contentMediaType": {"type": "string"},
    "contentSchema": {"$ref": "#"}
  },
  "$defs": {
    "anchor": {"type": "string", "pattern": "^[A-Za-z_][-A-Za-z0-9._]*$"},
    "count": {"type": "integer", "minimum": 0},
    "names": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
    "schemas": {"type": "array", "minItems": 1, "items": {"$ref": "#"}},
    "schemas_by_name": {"type": "object", "additionalProperties": {"$ref": "#"}},
    "type": {"enum": ["array", "boolean", "integer", "null", "number", "object", "string"]}
  }
})json";

}  // namespace toll::schema
