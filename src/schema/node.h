// A compiled schema: what compile.cc makes and the keywords read. Private to schema/.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <unordered_map>

#include "pattern/pattern.h"
#include "schema/schema.h"

namespace toll::schema {

struct Node;
class Run;
struct Seen;

// A schema document, or a part of one that has an $id of its own.
struct Resource {
  std::string id;
  std::map<std::string, const Node*, std::less<>> dynamic_anchors;
};

// One keyword with its argument, ready to be asked.
struct Rule {
  std::string_view keyword;
  bool (*holds)(const Rule& rule, const json::Value& value, Run& run, Seen& seen);
  const json::Value* argument;
  const json::Object* beside;              // the schema object that the keyword stands in
  std::vector<const Node*> nodes;          // its subschemas, or what a reference leads to
  std::vector<std::string_view> names;     // of `nodes`, where they have names
  std::vector<pattern::Pattern> patterns;  // of `pattern`; of `nodes` where these go by patterns
  std::string anchor;                      // of a $dynamicRef that may be answered elsewhere
  std::int64_t cost = 1;                   // steps that asking it takes, besides those of its parts
};

struct Node {
  enum class Kind : std::uint8_t { truth, falsity, rules };
  Kind kind = Kind::rules;
  std::vector<Rule> rules;
  const Resource* resource = nullptr;
};

struct Program {
  json::Value document;
  std::deque<Node> nodes;
  std::deque<Resource> resources;
  const Node* top = nullptr;
  bool keeps_seen = false;  // somebody asks what has not been evaluated
};

// Which members and items of one value some schema has looked at and accepted.
struct Seen {
  bool every_member = false, every_item = false;
  std::size_t first_items = 0;
  std::set<std::string_view> members;
  std::set<std::size_t> items;
  void add(const Seen& other);
  bool has_item(std::size_t index) const { return every_item || index < first_items || items.contains(index); }
  bool has_member(std::string_view name) const { return every_member || members.contains(name); }
};

// One check of one value.
class Run {
 public:
  Run(const Program& program, std::size_t most);

  // Of the value that is being looked at. `keyword` is who asks.
  bool apply(const Node& node, const json::Value& value, Seen& seen, std::string_view keyword);
  // The same without telling what is wrong.
  bool would_accept(const Node& node, const json::Value& value, Seen& seen);
  // Of a member or an item of it.
  template <class Step>
  bool apply_inside(const Node& node, const json::Value& child, Step step, std::string_view keyword) {
    if (!spend()) return false;
    path_.emplace_back(std::move(step));
    Seen seen;
    const bool ok = apply(node, child, seen, keyword);
    path_.pop_back();
    return ok;
  }
  bool would_accept_inside(const Node& node, const json::Value& child) {
    Seen seen;
    return spend() && would_accept(node, child, seen);
  }
  // Returns false.
  bool refuse(std::string_view keyword, std::string message);
  bool refuse_at(std::string member, std::string_view keyword, std::string message);

  // Takes so many steps off what is left; false: there are none left, and the check ends.
  bool spend(std::int64_t steps = 1);
  // Of a text or the like.
  bool spend_bytes(std::size_t bytes) { return spend(1 + static_cast<std::int64_t>(bytes / 64)); }
  // Nothing that could be found any more would be told.
  bool over() const { return spent_ || (quiet_ == 0 && problems_.size() >= most_); }

  bool keeps_seen() const { return keeps_seen_; }
  // The outermost of the schemas now being applied that has such a dynamic anchor (core, 8.2.3.2); null: none.
  const Node* dynamic(std::string_view anchor) const;
  std::vector<Problem> take() { return std::move(problems_); }

 private:
  const bool keeps_seen_;
  const std::size_t most_;
  std::int64_t budget_;
  int depth_ = 0, quiet_ = 0;
  bool spent_ = false;
  Path path_;
  std::vector<const Resource*> scope_;
  std::vector<Problem> problems_;
};

}  // namespace toll::schema
