#include "api/router.h"

#include <algorithm>
#include <stdexcept>

#include "api/operation.h"
#include "base/text.h"

namespace toll::api {

struct Router::Node {
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> children;
  std::unique_ptr<Node> any;  // {name}
  // {name...} and what stands behind it; those with more literals first.
  struct Span {
    std::vector<std::string> suffix;
    std::unique_ptr<Node> node;
  };
  std::vector<Span> spans;
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

bool is_place(std::string_view segment) {
  return segment.starts_with('{');
}

bool is_rest(std::string_view segment) {
  return segment.ends_with("...}");
}

std::size_t literals(const std::vector<std::string>& suffix) {
  return static_cast<std::size_t>(std::ranges::count_if(suffix, [](const auto& s) { return !is_place(s); }));
}

std::string join(const std::vector<std::string>& segments, std::size_t from, std::size_t to) {
  std::string out = segments[from];
  for (std::size_t i = from + 1; i < to; ++i) out += "/" + segments[i];
  return out;
}

// Whether the surface takes these values for the places of the route.
bool fits(const Operation& operation, const std::vector<std::string>& params) {
  const auto& about = operation.about;
  if (!about.fits) return true;
  std::size_t at = 0;
  for (auto segment : split(about.path)) {
    if (!is_place(segment)) continue;
    auto name = segment.substr(1, segment.size() - 2);
    if (name.ends_with("...")) name.remove_suffix(3);
    if (!about.fits(name, params[at++])) return false;
  }
  return true;
}

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;

Router::Node* Router::span_of(Node& node, std::vector<std::string> suffix) {
  auto same = std::ranges::find(node.spans, suffix, &Node::Span::suffix);
  if (same != node.spans.end()) return same->node.get();
  node.spans.push_back({std::move(suffix), std::make_unique<Node>()});
  auto* made = node.spans.back().node.get();
  std::ranges::stable_sort(node.spans, std::greater(),
                           [](const Node::Span& span) { return std::pair(literals(span.suffix), span.suffix.size()); });
  return made;
}

void Router::add(const Operation& operation, std::string_view prefix) {
  Node* node = root_.get();
  const auto path = std::string(prefix).append(operation.about.path);
  const auto segments = split(path);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto segment = segments[i];
    if (is_rest(segment)) {
      node = span_of(*node, {segments.begin() + static_cast<std::ptrdiff_t>(i) + 1, segments.end()});
      break;
    }
    auto& next = is_place(segment)      ? node->any
                 : node->child(segment) ? std::find_if(node->children.begin(), node->children.end(),
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
      if (node->here.empty() || !fits(*node->here.front().second, params)) return false;
      hit = node;
      return true;
    }
    if (const Node* next = node->child(decoded[at]); next && self(self, next, at + 1)) return true;
    if (node->any && !decoded[at].empty()) {
      params.push_back(decoded[at]);
      if (self(self, node->any.get(), at + 1)) return true;
      params.pop_back();
    }
    for (const auto& [suffix, target] : node->spans) {
      if (decoded.size() < at + 1 + suffix.size() || decoded[at].empty()) continue;
      const auto end = decoded.size() - suffix.size();
      const auto known = params.size();
      params.push_back(join(decoded, at, end));
      bool same = true;
      for (std::size_t i = 0; i < suffix.size() && same; ++i) {
        same = is_place(suffix[i]) ? !decoded[end + i].empty() : suffix[i] == decoded[end + i];
        if (is_place(suffix[i])) params.push_back(decoded[end + i]);
      }
      if (same && fits(*target->here.front().second, params)) {
        hit = target.get();
        return true;
      }
      params.resize(known);
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
