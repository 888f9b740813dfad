// Keywords about lists.
#include <fmt/format.h>

#include <unordered_set>

#include "schema/equal.h"
#include "schema/keywords.h"
#include "schema/number.h"

namespace toll::schema {

namespace {

bool apply_to_item(const Rule& rule, const Node& node, const json::Array& items, std::size_t index, Run& run) {
  return run.apply_inside(node, items[index], static_cast<std::int64_t>(index), rule.keyword);
}

// The number of schemas in the prefixItems that stand beside a keyword.
std::size_t prefix_beside(const Rule& rule) {
  const auto* prefix = rule.beside->if_contains("prefixItems");
  return prefix && prefix->is_array() ? prefix->get_array().size() : 0;
}

long double number_beside(const Rule& rule, std::string_view name, long double otherwise) {
  const auto* number = rule.beside->if_contains(name);
  return number && number->is_number() ? number_of(*number) : otherwise;
}

}  // namespace

bool prefix_items_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  if (!value.is_array()) return true;
  const auto& items = value.get_array();
  bool ok = true;
  std::size_t index = 0;
  for (; index < items.size() && index < rule.nodes.size() && !run.over(); ++index)
    ok = apply_to_item(rule, *rule.nodes[index], items, index, run) && ok;
  seen.first_items = std::max(seen.first_items, index);
  return ok;
}

bool items_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  if (!value.is_array()) return true;
  const auto& items = value.get_array();
  bool ok = true;
  for (auto index = prefix_beside(rule); index < items.size() && !run.over(); ++index)
    ok = apply_to_item(rule, *rule.nodes.front(), items, index, run) && ok;
  seen.every_item = true;
  return ok;
}

bool contains_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  if (!value.is_array()) return true;
  const auto& items = value.get_array();
  std::size_t found = 0;
  for (std::size_t index = 0; index < items.size() && !run.over(); ++index)
    if (run.would_accept_inside(*rule.nodes.front(), items[index])) {
      ++found;
      if (run.keeps_seen()) seen.items.insert(index);
    }
  const auto least = number_beside(rule, "minContains", 1), most = number_beside(rule, "maxContains", -1);
  if (static_cast<long double>(found) < least)
    return run.refuse(least == 1 ? "contains" : "minContains",
                      fmt::format("must have at least {} item{} of the described form", static_cast<double>(least),
                                  least == 1 ? "" : "s"));
  if (most >= 0 && static_cast<long double>(found) > most)
    return run.refuse("maxContains", fmt::format("must have at most {} item{} of the described form",
                                                 static_cast<double>(most), most == 1 ? "" : "s"));
  return true;
}

bool unevaluated_items_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  if (!value.is_array()) return true;
  const auto& items = value.get_array();
  bool ok = true;
  for (std::size_t index = 0; index < items.size() && !run.over(); ++index)
    if (!seen.has_item(index)) ok = apply_to_item(rule, *rule.nodes.front(), items, index, run) && ok;
  seen.every_item = true;
  return ok;
}

bool max_items_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  if (!value.is_array() || static_cast<long double>(value.get_array().size()) <= number_of(*rule.argument)) return true;
  return run.refuse(rule.keyword, fmt::format("must have at most {} items", number_text(*rule.argument)));
}

bool min_items_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  if (!value.is_array() || static_cast<long double>(value.get_array().size()) >= number_of(*rule.argument)) return true;
  return run.refuse(rule.keyword, fmt::format("must have at least {} items", number_text(*rule.argument)));
}

bool unique_items_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  if (!value.is_array() || !rule.argument->get_bool()) return true;
  std::unordered_set<std::string> met;
  for (const auto& item : value.get_array()) {
    auto text = canonical(item);
    if (run.over() || !run.spend_bytes(text.size())) return false;
    if (!met.insert(std::move(text)).second) return run.refuse(rule.keyword, "must not have the same item twice");
  }
  return true;
}

}  // namespace toll::schema
