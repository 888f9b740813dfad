#include "schema/node.h"

#include <algorithm>

namespace toll::schema {

namespace {

// A schema of 1,000 parts over the largest body takes fewer; a step costs about a tenth of a microsecond.
constexpr std::int64_t most_steps = 5'000'000;
// Schemas within schemas within references, on a stack of ordinary size.
constexpr int most_depth = 1500;

}  // namespace

void Seen::add(const Seen& other) {
  every_member = every_member || other.every_member;
  every_item = every_item || other.every_item;
  first_items = std::max(first_items, other.first_items);
  members.insert(other.members.begin(), other.members.end());
  items.insert(other.items.begin(), other.items.end());
}

Run::Run(const Program& program, std::size_t most)
    : keeps_seen_(program.keeps_seen), most_(most), budget_(most_steps) {}

bool Run::spend(std::int64_t steps) {
  if (budget_ >= steps && depth_ < most_depth) {
    budget_ -= steps;
    return true;
  }
  budget_ = 0;
  if (!spent_) {
    spent_ = true;
    problems_.push_back({path_, "limit", "takes too much work to check"});
  }
  return false;
}

bool Run::apply(const Node& node, const json::Value& value, Seen& seen, std::string_view keyword) {
  if (node.kind == Node::Kind::truth) return true;
  if (node.kind == Node::Kind::falsity) return refuse(keyword, "is not allowed");
  const bool enters = scope_.empty() || scope_.back() != node.resource;
  if (enters) scope_.push_back(node.resource);
  ++depth_;
  Seen own;
  bool ok = true;
  for (const auto& rule : node.rules) {
    if (!spend(rule.cost) || !rule.holds(rule, value, *this, own)) ok = false;
    if (!ok && (quiet_ > 0 || spent_ || problems_.size() >= most_)) break;
  }
  --depth_;
  if (enters) scope_.pop_back();
  if (ok && keeps_seen_) {
    ok = spend(static_cast<std::int64_t>(own.members.size() + own.items.size()));
    seen.add(own);
  }
  return ok;
}

bool Run::would_accept(const Node& node, const json::Value& value, Seen& seen) {
  ++quiet_;
  const bool ok = apply(node, value, seen, {});
  --quiet_;
  return ok;
}

bool Run::refuse(std::string_view keyword, std::string message) {
  if (quiet_ == 0 && !spent_ && problems_.size() < most_)
    problems_.push_back({path_, std::string(keyword), std::move(message)});
  return false;
}

bool Run::refuse_at(std::string member, std::string_view keyword, std::string message) {
  if (quiet_ > 0) return false;
  path_.emplace_back(std::move(member));
  refuse(keyword, std::move(message));
  path_.pop_back();
  return false;
}

const Node* Run::dynamic(std::string_view anchor) const {
  for (const auto* resource : scope_)
    if (const auto it = resource->dynamic_anchors.find(anchor); it != resource->dynamic_anchors.end())
      return it->second;
  return nullptr;
}

}  // namespace toll::schema
