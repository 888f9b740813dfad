#include "api/router.h"

#include <algorithm>
#include <stdexcept>

#include "api/operation.h"
#include "base/text.h"

namespace toll::api {

struct Router::Node {
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> children;
  std::unique_ptr<Node> any;   // {name}
  std::unique_ptr<Node> rest;  // {name...}
  std::vector<std::pair<http::Method, const Operation*>> here;

  Node* child(std::string_view segment) const {
    for (const auto& [name, node] : children)
      if (name == segment) return node.get();
    return nullptr;
  }
};

namespace {

// Segments of a path that begins with a slash, one trailing slash dropped.
std::vector<std::string_view> split(std::string_view path) {
  if (path.ends_with('/')) path.remove_suffix(1);
  std::vector<std::string_view> out;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    auto segment = path.substr(0, path.find('/'));
    out.push_back(segment);
    path.remove_prefix(segment.size());
  }
  return out;
}

const Operation* method_of(const std::vector<std::pair<http::Method, const Operation*>>& here, http::Method method) {
  for (const auto& [m, operation] : here)
    if (m == method) return operation;
  return nullptr;
}

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;

void Router::add(const Operation& operation, std::string_view prefix) {
  Node* node = root_.get();
  const auto path = std::string(prefix).append(operation.about.path);
  for (auto segment : split(path)) {
    auto& next = segment.ends_with("...}")  ? node->rest
                 : segment.starts_with('{') ? node->any
                 : node->child(segment)     ? std::find_if(node->children.begin(), node->children.end(),
                                                           [&](auto& c) { return c.first == segment; })
                                              ->second
                                        : node->children.emplace_back(segment, nullptr).second;
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  if (method_of(node->here, operation.about.method)) throw std::logic_error("two operations at " + path);
  node->here.emplace_back(operation.about.method, &operation);
}

Router::Found Router::find(http::Method method, std::string_view path) const {
  Found found;
  if (!path.starts_with('/')) return found;
  const auto segments = split(path);
  std::vector<std::string> decoded;
  for (auto segment : segments) {
    if (segment.find('%') == segment.npos) {
      decoded.emplace_back(segment);
      continue;
    }
    auto plain = percent_decode(segment);
    if (!plain || !valid_utf8(*plain)) return found;
    // No id or name holds a NUL; the databases take none.
    for (std::size_t nul = plain->find('\0'); nul != plain->npos; nul = plain->find('\0', nul))
      plain->replace(nul, 1, "\xEF\xBF\xBD");
    decoded.push_back(std::move(*plain));
  }
  // Depth first, literal children before places, so that /jobs/list wins over /jobs/{id}.
  std::vector<std::string> params;
  const Node* hit = nullptr;
  auto walk = [&](auto& self, const Node* node, std::size_t at) -> bool {
    if (at == segments.size()) {
      if (node->here.empty()) return false;
      hit = node;
      return true;
    }
    if (const Node* next = node->child(decoded[at]); next && self(self, next, at + 1)) return true;
    if (node->any && !decoded[at].empty()) {
      params.push_back(decoded[at]);
      if (self(self, node->any.get(), at + 1)) return true;
      params.pop_back();
    }
    if (node->rest && !decoded[at].empty()) {
      std::string tail = decoded[at];
      for (std::size_t i = at + 1; i < decoded.size(); ++i) tail += "/" + decoded[i];
      params.push_back(std::move(tail));
      hit = node->rest.get();
      return true;
    }
    return false;
  };
  if (!walk(walk, root_.get(), 0)) return found;
  const auto wanted = method == http::Method::head ? http::Method::get : method;
  found.operation = method_of(hit->here, wanted);
  found.params = std::move(params);
  if (!found.operation)
    for (const auto& [m, operation] : hit->here) {
      found.allowed.push_back(m);
      if (m == http::Method::get) found.allowed.push_back(http::Method::head);
    }
  return found;
}

}  // namespace toll::api
