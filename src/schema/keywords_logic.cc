// References and keywords that put schemas together.
#include "schema/keywords.h"

namespace toll::schema {

bool ref_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  return run.apply(*rule.nodes.front(), value, seen, rule.keyword);
}

bool dynamic_ref_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  const auto* elsewhere = rule.anchor.empty() ? nullptr : run.dynamic(rule.anchor);
  return run.apply(elsewhere ? *elsewhere : *rule.nodes.front(), value, seen, rule.keyword);
}

bool all_of_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  bool ok = true;
  for (const auto* node : rule.nodes) ok = run.apply(*node, value, seen, rule.keyword) && ok;
  return ok;
}

bool any_of_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  bool ok = false;
  for (const auto* node : rule.nodes) {
    ok = run.would_accept(*node, value, seen) || ok;
    if (ok && !run.keeps_seen()) return true;
  }
  return ok || run.refuse(rule.keyword, "must have one of the described forms");
}

bool one_of_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  int fits = 0;
  for (const auto* node : rule.nodes) {
    fits += run.would_accept(*node, value, seen);
    if (fits > 1) return run.refuse(rule.keyword, "must have one of the described forms, and has more than one");
  }
  return fits == 1 || run.refuse(rule.keyword, "must have one of the described forms");
}

bool not_holds(const Rule& rule, const json::Value& value, Run& run, Seen&) {
  Seen nobodys;
  return !run.would_accept(*rule.nodes.front(), value, nobodys) ||
         run.refuse(rule.keyword, "must not have the described form");
}

// rule.nodes: if, then, else; those that are absent are true.
bool if_holds(const Rule& rule, const json::Value& value, Run& run, Seen& seen) {
  const bool met = run.would_accept(*rule.nodes[0], value, seen);
  return run.apply(*rule.nodes[met ? 1 : 2], value, seen, met ? "then" : "else");
}

}  // namespace toll::schema
