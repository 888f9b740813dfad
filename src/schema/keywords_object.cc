// Keywords about objects.
#include <fmt/format.h>

#include "schema/keywords.h"
#include "schema/number.h"

namespace toll::schema {

namespace {

bool apply_to_member(const Rule& rule, const Node& node, const json::Object::value_type& member, Run& run) {
  return run.apply_inside(node, member.value(), std::string(member.key()), rule.keyword);
}

void note(Seen& seen, std::string_view name, const Run& run) {
  if (run.keeps_seen()) seen.members.insert(name);
}

bool found_by_any(const std::vector<pattern::Pattern>& patterns, std::string_view name) {
  for (const auto& pattern : patterns)
    if (pattern.found_in(name)) return true;
  return false;
}

bool is_named_beside(const Rule& rule, std::string_view name) {
  const auto* properties = rule.beside->if_contains("properties");
  return properties && properties->is_object() && properties->get_object().contains(name);
}

}  // namespace

bool properties_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  if (!value.is_object()) return true;
  bool ok = true;
  for (std::size_t i = 0; i < rule.nodes.size() && !run.over(); ++i) {
    const auto it = value.get_object().find(rule.names[i]);
    if (it == value.get_object().end()) continue;
    ok = apply_to_member(rule, *rule.nodes[i], *it, run) && ok;
    note(seen, it->key(), run);
  }
  return ok;
}

bool pattern_properties_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  if (!value.is_object()) return true;
  bool ok = true;
  for (const auto& member : value.get_object())
    for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
      if (run.over() || !run.spend_bytes(4 * member.key().size())) return false;
      if (!rule.patterns[i].found_in(member.key())) continue;
      ok = apply_to_member(rule, *rule.nodes[i], member, run) && ok;
      note(seen, member.key(), run);
    }
  return ok;
}

// rule.patterns: those of the patternProperties beside it.
bool additional_properties_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  if (!value.is_object()) return true;
  bool ok = true;
  for (const auto& member : value.get_object()) {
    if (run.over() || !run.spend(1 + static_cast<std::int64_t>(rule.patterns.size() * (1 + member.key().size() / 16))))
      return false;
    if (is_named_beside(rule, member.key()) || found_by_any(rule.patterns, member.key())) continue;
    ok = apply_to_member(rule, *rule.nodes.front(), member, run) && ok;
    note(seen, member.key(), run);
  }
  return ok;
}

bool property_names_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  if (!value.is_object()) return true;
  bool ok = true;
  for (const auto& member : value.get_object())
    ok =
        run.apply_inside(*rule.nodes.front(), json::Value(member.key()), std::string(member.key()), rule.keyword) && ok;
  return ok;
}

bool dependent_schemas_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  if (!value.is_object()) return true;
  bool ok = true;
  for (std::size_t i = 0; i < rule.nodes.size(); ++i)
    if (value.get_object().contains(rule.names[i])) ok = run.apply(*rule.nodes[i], value, seen, rule.keyword) && ok;
  return ok;
}

bool unevaluated_properties_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  if (!value.is_object()) return true;
  bool ok = true;
  for (const auto& member : value.get_object())
    if (!run.over() && run.spend() && !seen.has_member(member.key()))
      ok = apply_to_member(rule, *rule.nodes.front(), member, run) && ok;
  seen.every_member = true;
  return ok;
}

bool required_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  if (!value.is_object()) return true;
  bool ok = true;
  for (const auto& name : rule.argument->get_array())
    if (!run.over() && !value.get_object().contains(name.get_string()))
      ok = run.refuse_at(std::string(name.get_string()), rule.keyword, "is required");
  return ok;
}

bool dependent_required_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  if (!value.is_object()) return true;
  bool ok = true;
  for (const auto& [given, names] : rule.argument->get_object()) {
    if (!value.get_object().contains(given)) continue;
    for (const auto& name : names.get_array())
      if (!run.over() && !value.get_object().contains(name.get_string()))
        ok = run.refuse_at(std::string(name.get_string()), rule.keyword,
                           fmt::format("is required beside \"{}\"", std::string_view(given)));
  }
  return ok;
}

bool max_properties_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  if (!value.is_object() || static_cast<long double>(value.get_object().size()) <= number_of(*rule.argument))
    return true;
  return run.refuse(rule.keyword, fmt::format("must have at most {} members", number_text(*rule.argument)));
}

bool min_properties_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  if (!value.is_object() || static_cast<long double>(value.get_object().size()) >= number_of(*rule.argument))
    return true;
  return run.refuse(rule.keyword, fmt::format("must have at least {} members", number_text(*rule.argument)));
}

}  // namespace toll::schema
