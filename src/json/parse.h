// Strict JSON text to a value: RFC 8259, UTF-8 checked, duplicate member names refused, depth bounded.
#pragma once

#include <boost/json/value.hpp>

#include <string_view>

#include "base/result.h"

namespace toll::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

// Faults: malformed_json with the argument "why" and one problem whose path holds the byte offset.
Result<Value> parse(std::string_view text);

// Appends `text` as a JSON string with its quotes. Not valid UTF-8: the offending bytes become U+FFFD.
void append_string(std::string& out, std::string_view text);

}  // namespace toll::json
