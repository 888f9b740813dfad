#include "schema/equal.h"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <vector>

#include "schema/number.h"

namespace toll::schema {

namespace {

void append(std::string& out, const json::Value& value);

void append_object(std::string& out, const json::Object& object) {
  std::vector<std::string_view> names;
  for (const auto& member : object) names.push_back(member.key());
  std::sort(names.begin(), names.end());
  out += '{';
  for (const auto name : names) {
    json::append_string(out, name);
    out += ':';
    append(out, object.at(name));
    out += ',';
  }
  out += '}';
}

void append(std::string& out, const json::Value& value) {
  if (value.is_object()) return append_object(out, value.get_object());
  if (value.is_array()) {
    out += '[';
    for (const auto& item : value.get_array()) {
      append(out, item);
      out += ',';
    }
    out += ']';
  } else if (value.is_string()) {
    json::append_string(out, value.get_string());
  } else if (value.is_number()) {
    // Minus zero is zero; 21 digits tell all numbers of 64 bits of mantissa apart.
    const auto number = number_of(value);
    out += fmt::format("{:.21g}", number == 0 ? 0.0L : number);
  } else {
    out += boost::json::serialize(value);
  }
}

bool equal_objects(const json::Object& a, const json::Object& b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const auto& member) {
           const auto* other = b.if_contains(member.key());
           return other && equal(member.value(), *other);
         });
}

}  // namespace

bool equal(const json::Value& a, const json::Value& b) {
  if (a.is_number() || b.is_number()) return a.is_number() && b.is_number() && number_of(a) == number_of(b);
  if (a.kind() != b.kind()) return false;
  if (a.is_object()) return equal_objects(a.get_object(), b.get_object());
  if (a.is_array())
    return std::equal(a.get_array().begin(), a.get_array().end(), b.get_array().begin(), b.get_array().end(), equal);
  return a == b;
}

std::string canonical(const json::Value& value) {
  std::string out;
  append(out, value);
  return out;
}

}  // namespace toll::schema
