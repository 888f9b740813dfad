// Equality of JSON values as JSON Schema means it (core, 4.2.2): numbers by their value, objects without order.
#pragma once

#include <string>

#include "json/parse.h"

namespace toll::schema {

bool equal(const json::Value& a, const json::Value& b);
// Equal values and no others have the same text.
std::string canonical(const json::Value& value);

}  // namespace toll::schema
