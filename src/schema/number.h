// Numbers of JSON as the mathematical numbers they stand for: 1 and 1.0 are one, and no rounding decides.
#pragma once

#include "json/parse.h"

namespace toll::schema {

// Exact for every number that Boost.JSON holds: 64 bits of mantissa take both kinds of integers and doubles.
long double number_of(const json::Value& number);
bool is_integer(const json::Value& number);
// Whether `value` is `step` times an integer, of the decimal numbers as they are written. `step` is above 0.
bool is_multiple(const json::Value& value, const json::Value& step);
// As short as it can be said.
std::string number_text(const json::Value& number);

}  // namespace toll::schema
