// Small pieces of the JSON Schemas of steps' `with`. Private to steps/.
#pragma once

#include <cstdint>
#include <string_view>

#include "json/parse.h"

namespace toll::workflows::steps {

inline json::Object a_text(std::string_view description, std::int64_t longest = 8192) {
  return {{"type", "string"}, {"minLength", 1}, {"maxLength", longest}, {"description", description}};
}

inline json::Object an_integer(std::string_view description, std::int64_t least, std::int64_t most,
                               std::int64_t otherwise) {
  return {
      {"type", "integer"}, {"minimum", least}, {"maximum", most}, {"default", otherwise}, {"description", description}};
}

inline json::Object a_flag(std::string_view description, bool otherwise) {
  return {{"type", "boolean"}, {"default", otherwise}, {"description", description}};
}

inline json::Object one_of(std::string_view description, json::Array choices, std::string_view otherwise) {
  return {{"enum", std::move(choices)}, {"default", otherwise}, {"description", description}};
}

inline json::Object an_object(json::Object properties, json::Array required = {}) {
  json::Object out{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

// {"secret": NAME} in a saved workflow; the text itself when the step runs.
inline json::Object a_secret(std::string_view description) {
  return {{"type", json::Array{"string", "object"}}, {"description", description}};
}

inline json::Object headers_schema() {
  return {{"type", "object"},
          {"maxProperties", 50},
          {"additionalProperties", {{"type", json::Array{"string", "object"}}}},
          {"description", "More header fields; a value may be a secret."}};
}

inline json::Object auth_schema() {
  return an_object({{"type", {{"enum", json::Array{"basic", "bearer"}}}},
                    {"username", a_text("Of basic.", 500)},
                    {"password", a_secret("Of basic.")},
                    {"token", a_secret("Of bearer.")}},
                   {"type"});
}

// Of a `with` that has been checked.
inline std::string text_in(const json::Object& with, std::string_view name, std::string_view otherwise = {}) {
  const auto* value = with.if_contains(name);
  return std::string(value && value->is_string() ? std::string_view(value->get_string()) : otherwise);
}

inline std::int64_t integer_in(const json::Object& with, std::string_view name, std::int64_t otherwise) {
  const auto* value = with.if_contains(name);
  return value && value->is_number() ? value->to_number<std::int64_t>() : otherwise;
}

inline bool flag_in(const json::Object& with, std::string_view name, bool otherwise) {
  const auto* value = with.if_contains(name);
  return value && value->is_bool() ? value->get_bool() : otherwise;
}

}  // namespace toll::workflows::steps
