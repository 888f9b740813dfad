// Keywords about any value, numbers and texts.
#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "base/text.h"
#include "schema/equal.h"
#include "schema/keywords.h"
#include "schema/number.h"

namespace toll::schema {

namespace {

bool is_of(const json::Value& value, std::string_view type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  return value.is_number() && is_integer(value);
}

std::string_view with_article(std::string_view type) {
  if (type == "null") return "null";
  if (type == "boolean") return "a boolean";
  if (type == "object") return "an object";
  if (type == "array") return "a list";
  if (type == "string") return "a text";
  if (type == "number") return "a number";
  return "an integer";
}

// A value of the schema as a problem shows it.
std::string shown(const json::Value& value) {
  const auto text = boost::json::serialize(value);
  return text.size() <= 100 ? text : std::string(utf8_prefix(text, 97)) + "...";
}

bool bounded(const Rule& rule, const json::Value& value, Run& run, bool ok, std::string_view words) {
  return !value.is_number() || ok ||
         run.refuse(rule.keyword, fmt::format("must be {} {}", words, number_text(*rule.argument)));
}

long double bound(const Rule& rule) {
  return number_of(*rule.argument);
}

long double given(const json::Value& value) {
  return value.is_number() ? number_of(value) : 0;
}

}  // namespace

bool type_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  std::string words;
  if (rule.argument->is_string()) {
    if (is_of(value, rule.argument->get_string())) return true;
    words = with_article(rule.argument->get_string());
  } else {
    for (const auto& type : rule.argument->get_array()) {
      if (is_of(value, type.get_string())) return true;
      words += (words.empty() ? "" : " or ") + std::string(with_article(type.get_string()));
    }
  }
  return run.refuse(rule.keyword, "must be " + words);
}

bool const_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  return equal(value, *rule.argument) || run.refuse(rule.keyword, "must be " + shown(*rule.argument));
}

bool enum_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  const auto& choices = rule.argument->get_array();
  return std::any_of(choices.begin(), choices.end(), [&](const auto& choice) { return equal(value, choice); }) ||
         run.refuse(rule.keyword, "must be one of " + shown(*rule.argument));
}

bool multiple_of_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  return bounded(rule, value, run, value.is_number() && is_multiple(value, *rule.argument), "a multiple of");
}

bool maximum_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  return bounded(rule, value, run, given(value) <= bound(rule), "at most");
}

bool exclusive_maximum_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  return bounded(rule, value, run, given(value) < bound(rule), "below");
}

bool minimum_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  return bounded(rule, value, run, given(value) >= bound(rule), "at least");
}

bool exclusive_minimum_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  return bounded(rule, value, run, given(value) > bound(rule), "above");
}

bool max_length_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  if (value.is_string() && !run.spend_bytes(value.get_string().size())) return false;
  if (!value.is_string() || static_cast<long double>(utf8_length(value.get_string())) <= bound(rule)) return true;
  return run.refuse(rule.keyword, fmt::format("must have at most {} characters", number_text(*rule.argument)));
}

bool min_length_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  if (value.is_string() && !run.spend_bytes(value.get_string().size())) return false;
  if (!value.is_string() || static_cast<long double>(utf8_length(value.get_string())) >= bound(rule)) return true;
  return run.refuse(rule.keyword, fmt::format("must have at least {} characters", number_text(*rule.argument)));
}

bool pattern_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  if (value.is_string() && !run.spend_bytes(4 * value.get_string().size())) return false;
  if (!value.is_string() || rule.patterns.front().found_in(value.get_string())) return true;
  return run.refuse(rule.keyword, "must match " + shown(*rule.argument));
}

}  // namespace toll::schema
