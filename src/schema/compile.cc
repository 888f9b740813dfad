#include "schema/compile.h"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "base/text.h"
#include "schema/keywords.h"
#include "schema/meta_schema.h"
#include "schema/uri.h"

namespace toll::schema {

namespace {

constexpr std::size_t most_problems = 100;
// Each may take half a megabyte while it matches.
constexpr int most_patterns = 100;

// A place of the document that is a schema.
struct Place {
  const json::Value* value;
  Node* node;
  Path path;
};

const json::Value* step_into(const json::Value& value, const std::string& token) {
  if (value.is_object()) return value.get_object().if_contains(token);
  if (!value.is_array() || token.empty() || (token.size() > 1 && token[0] == '0')) return nullptr;
  const auto index = parse_int(token);
  if (!index || *index < 0 || static_cast<std::size_t>(*index) >= value.get_array().size()) return nullptr;
  return &value.get_array()[static_cast<std::size_t>(*index)];
}

// RFC 6901: ~1 is a slash, ~0 a tilde.
std::string unescaped(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool escape = token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1');
    out += escape ? (token[++i] == '1' ? '/' : '~') : token[i];
  }
  return out;
}

class Compiler {
 public:
  Compiler(Program& program, const Limits& limits, const Schema* meta)
      : program_(program), limits_(limits), meta_(meta) {}

  std::vector<Problem> run() {
    truth_.kind = Node::Kind::truth;
    program_.resources.push_back({});
    program_.top = find(program_.document, &program_.resources.back(), {}, 1);
    // References may lead to places that no keyword leads to: the list grows while it is walked.
    for (std::size_t i = 0; i < places_.size() && problems_.empty(); ++i) build(i);
    if (problems_.empty()) refuse_loops();
    return std::move(problems_);
  }

 private:
  void refuse(Path path, std::string_view keyword, std::string message) {
    if (problems_.size() < most_problems)
      problems_.push_back({std::move(path), std::string(keyword), std::move(message)});
  }

  // Notes the schema at this place and all that keywords lead to from there.
  Node* find(const json::Value& value, Resource* resource, Path path, std::size_t depth) {
    if (const auto it = nodes_.find(&value); it != nodes_.end()) return it->second;
    if (depth > limits_.depth || places_.size() >= limits_.subschemas) {
      refuse(std::move(path), "limit",
             depth > limits_.depth ? fmt::format("has schemas nested more than {} deep", limits_.depth)
                                   : fmt::format("has more than {} schemas", limits_.subschemas));
      return nullptr;
    }
    auto* node = &program_.nodes.emplace_back();
    nodes_[&value] = node;
    if (value.is_bool()) node->kind = value.get_bool() ? Node::Kind::truth : Node::Kind::falsity;
    if (value.is_object()) resource = name(value, resource, node);
    node->resource = resource;
    places_.push_back({&value, node, path});
    if (value.is_object()) find_below(value.get_object(), resource, path, depth);
    return node;
  }

  // Its identifier and anchors; the resource that it begins or belongs to.
  Resource* name(const json::Value& value, Resource* resource, const Node* node) {
    const auto& object = value.get_object();
    if (const auto* id = object.if_contains("$id")) {
      auto absolute = resolve(resource->id, id->get_string());
      absolute.resize(std::min(absolute.find('#'), absolute.size()));
      if (&value != &program_.document) resource = &program_.resources.emplace_back();
      resource->id = std::move(absolute);
    }
    if (&value == &program_.document || object.contains("$id")) tops_.emplace(resource->id, &value);
    for (const auto* keyword : {"$anchor", "$dynamicAnchor"})
      if (const auto* anchor = object.if_contains(keyword))
        anchors_.emplace(resource->id + "#" + std::string(anchor->get_string()), &value);
    if (const auto* anchor = object.if_contains("$dynamicAnchor"))
      resource->dynamic_anchors.emplace(std::string(anchor->get_string()), node);
    return resource;
  }

  void find_below(const json::Object& object, Resource* resource, const Path& path, std::size_t depth) {
    for (const auto& keyword : keywords()) {
      const auto* argument = object.if_contains(keyword.name);
      if (!argument || keyword.subschemas == Holds::nothing) continue;
      auto below = path;
      below.emplace_back(std::string(keyword.name));
      if (keyword.subschemas == Holds::schema) find(*argument, resource, below, depth + 1);
      if (keyword.subschemas == Holds::list)
        for (std::size_t i = 0; i < argument->get_array().size(); ++i) {
          below.emplace_back(static_cast<std::int64_t>(i));
          find(argument->get_array()[i], resource, below, depth + 1);
          below.pop_back();
        }
      if (keyword.subschemas == Holds::map)
        for (const auto& member : argument->get_object()) {
          below.emplace_back(std::string(member.key()));
          find(member.value(), resource, below, depth + 1);
          below.pop_back();
        }
    }
  }

  void build(std::size_t index) {
    const Place place = places_[index];
    if (!place.value->is_object()) return;
    const auto& object = place.value->get_object();
    if (const auto* named = object.if_contains("$schema"); named && trimmed(named->get_string()) != dialect)
      refuse(below(place.path, "$schema"), "$schema", fmt::format("must be \"{}\"", dialect));
    for (const auto& keyword : keywords()) {
      const auto* argument = object.if_contains(keyword.name);
      if (!argument || !keyword.holds) continue;
      Rule rule{.keyword = keyword.name,
                .holds = keyword.holds,
                .argument = argument,
                .beside = &object,
                .cost = cost_of(keyword.name, *argument)};
      fill(rule, keyword, place);
      place.node->rules.push_back(std::move(rule));
    }
    if (object.contains("unevaluatedItems") || object.contains("unevaluatedProperties")) program_.keeps_seen = true;
  }

  // Of arguments that are walked through whole.
  static std::int64_t cost_of(std::string_view keyword, const json::Value& argument) {
    for (const auto* word : {"const", "enum", "required", "dependentRequired"})
      if (keyword == word) return 1 + static_cast<std::int64_t>(boost::json::serialize(argument).size() / 32);
    if (keyword == "properties") return 1 + static_cast<std::int64_t>(argument.get_object().size() / 8);
    return 1;
  }

  static std::string_view trimmed(std::string_view uri) {
    if (uri.ends_with('#')) uri.remove_suffix(1);
    return uri;
  }

  static Path below(Path path, std::string_view name) {
    path.emplace_back(std::string(name));
    return path;
  }

  void fill(Rule& rule, const Keyword& keyword, const Place& place) {
    if (keyword.subschemas == Holds::schema) rule.nodes.push_back(nodes_.at(rule.argument));
    if (keyword.subschemas == Holds::list)
      for (const auto& item : rule.argument->get_array()) rule.nodes.push_back(nodes_.at(&item));
    if (keyword.subschemas == Holds::map)
      for (const auto& member : rule.argument->get_object()) {
        rule.names.push_back(member.key());
        rule.nodes.push_back(nodes_.at(&member.value()));
      }
    if (rule.keyword == "pattern") add_pattern(rule, rule.argument->get_string(), below(place.path, rule.keyword));
    if (rule.keyword == "patternProperties")
      for (const auto name : rule.names) add_pattern(rule, name, below(below(place.path, rule.keyword), name));
    if (rule.keyword == "additionalProperties")
      if (const auto* beside = rule.beside->if_contains("patternProperties"))
        // keywords() has patternProperties before this one: its expressions are compiled.
        for (const auto& earlier : place.node->rules)
          if (earlier.argument == beside) rule.patterns = earlier.patterns;
    if (rule.keyword == "if")
      for (const auto* branch : {"then", "else"}) {
        const auto* schema = rule.beside->if_contains(branch);
        rule.nodes.push_back(schema ? nodes_.at(schema) : &truth_);
      }
    if (rule.keyword == "$ref" || rule.keyword == "$dynamicRef") refer(rule, place);
  }

  void add_pattern(Rule& rule, std::string_view text, Path path) {
    if (++patterns_ > most_patterns)
      return refuse(std::move(path), "limit", fmt::format("has more than {} patterns", most_patterns));
    auto compiled = pattern::Pattern::compile(text);
    if (compiled.pattern) return rule.patterns.push_back(std::move(*compiled.pattern));
    refuse(std::move(path), "pattern",
           "must be a regular expression that can be matched in linear time: " + compiled.why);
  }

  void refer(Rule& rule, const Place& place) {
    const std::string_view reference = rule.argument->get_string();
    const auto absolute = resolve(place.node->resource->id, reference);
    const auto hash = std::min(absolute.find('#'), absolute.size());
    const auto fragment = percent_decode(std::string_view(absolute).substr(std::min(hash + 1, absolute.size())));
    auto* node = fragment ? target(absolute.substr(0, hash), *fragment) : nullptr;
    if (!node) return refuse(below(place.path, rule.keyword), "$ref", "must lead to a schema inside this document");
    rule.nodes.push_back(node);
    if (rule.keyword == "$dynamicRef" && !fragment->empty() && !fragment->starts_with('/') &&
        is_dynamic(*node, *fragment))
      rule.anchor = *fragment;
  }

  static bool is_dynamic(const Node& node, const std::string& anchor) {
    const auto& anchors = node.resource->dynamic_anchors;
    const auto it = anchors.find(anchor);
    return it != anchors.end() && it->second == &node;
  }

  const Node* target(const std::string& uri, const std::string& fragment) {
    if (fragment.empty() || fragment.starts_with('/')) {
      const auto top = tops_.find(uri);
      return top == tops_.end() ? nullptr : at_pointer(*top->second, fragment);
    }
    const auto anchor = anchors_.find(uri + "#" + fragment);
    return anchor == anchors_.end() ? nullptr : nodes_.at(anchor->second);
  }

  const Node* at_pointer(const json::Value& top, std::string_view pointer) {
    const auto* value = &top;
    auto* resource = const_cast<Resource*>(nodes_.at(value)->resource);
    Path path;
    while (value && !pointer.empty()) {
      pointer.remove_prefix(1);
      const auto token = unescaped(pointer.substr(0, pointer.find('/')));
      pointer.remove_prefix(std::min(pointer.find('/'), pointer.size()));
      value = step_into(*value, token);
      path.emplace_back(token);
      if (const auto it = nodes_.find(value); it != nodes_.end())
        resource = const_cast<Resource*>(it->second->resource);
    }
    if (!value || !(value->is_object() || value->is_bool())) return nullptr;
    // The meta-schema has not seen what no keyword leads to.
    if (meta_ && !nodes_.contains(value))
      if (auto problems = meta_->check(*value); !problems.empty()) {
        for (auto& problem : problems) problems_.push_back(std::move(problem));
        return nullptr;
      }
    return find(*value, resource, std::move(path), 1);
  }

  // Of the keywords that look at the same value again: such a way must end.
  static bool stays(std::string_view keyword) {
    for (const auto* word : {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "dependentSchemas"})
      if (keyword == word) return true;
    return false;
  }

  void refuse_loops() {
    for (const auto& place : places_)
      if (problems_.empty() && loops(place.node))
        refuse(place.path, "$ref", "must not lead back to itself without looking at a part of the value");
  }

  bool loops(const Node* node) {
    auto& state = states_[node];
    if (state == State::done) return false;
    if (state == State::open) return true;
    state = State::open;
    for (const auto& rule : node->rules)
      if (stays(rule.keyword))
        for (const auto* next : rule.nodes)
          if (loops(next)) return true;
    states_[node] = State::done;
    return false;
  }

  enum class State : std::uint8_t { fresh, open, done };

  Program& program_;
  const Limits& limits_;
  const Schema* meta_;
  std::unordered_map<const json::Value*, Node*> nodes_;
  std::vector<Place> places_;
  std::map<std::string, const json::Value*> tops_, anchors_;
  std::unordered_map<const Node*, State> states_;
  std::vector<Problem> problems_;
  int patterns_ = 0;
  Node& truth_ = program_.nodes.emplace_back();
};

}  // namespace

std::vector<Problem> compile_into(Program& program, const Limits& limits, const Schema* meta) {
  return Compiler(program, limits, meta).run();
}

}  // namespace toll::schema
