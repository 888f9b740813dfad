#include "schema/uri.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace toll::schema {

namespace {

struct Parts {
  std::optional<std::string_view> scheme, authority;
  std::string_view path;
  std::optional<std::string_view> query, fragment;
};

bool is_scheme(std::string_view text) {
  return !text.empty() && std::isalpha(static_cast<unsigned char>(text[0])) &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '+' || c == '-' || c == '.'; });
}

// What stands after `mark`, taken off the end of `text`.
std::optional<std::string_view> take_after(std::string_view& text, char mark) {
  const auto at = text.find(mark);
  if (at == text.npos) return std::nullopt;
  const auto rest = text.substr(at + 1);
  text = text.substr(0, at);
  return rest;
}

Parts split(std::string_view text) {
  Parts out;
  out.fragment = take_after(text, '#');
  out.query = take_after(text, '?');
  if (const auto colon = text.find(':'); colon != text.npos && is_scheme(text.substr(0, colon))) {
    out.scheme = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (text.starts_with("//")) {
    const auto end = std::min(text.find('/', 2), text.size());
    out.authority = text.substr(2, end - 2);
    text.remove_prefix(end);
  }
  out.path = text;
  return out;
}

// RFC 3986, 5.2.4.
std::string without_dots(std::string_view path) {
  std::string out;
  const auto drop_last = [&] { out.resize(out.rfind('/') == out.npos ? 0 : out.rfind('/')); };
  while (!path.empty()) {
    if (path.starts_with("../")) {
      path.remove_prefix(3);
    } else if (path.starts_with("./") || path.starts_with("/./")) {
      path.remove_prefix(2);
    } else if (path == "/.") {
      path = "/";
    } else if (path.starts_with("/../")) {
      path.remove_prefix(3);
      drop_last();
    } else if (path == "/..") {
      path = "/";
      drop_last();
    } else if (path == "." || path == "..") {
      path = {};
    } else {
      const auto end = std::min(path.find('/', 1), path.size());
      out += path.substr(0, end);
      path.remove_prefix(end);
    }
  }
  return out;
}

std::string merge(const Parts& base, std::string_view path) {
  if (base.authority && base.path.empty()) return "/" + std::string(path);
  const auto slash = base.path.rfind('/');
  return std::string(base.path.substr(0, slash == base.path.npos ? 0 : slash + 1)) + std::string(path);
}

std::string join(const Parts& parts, std::string_view path) {
  std::string out;
  if (parts.scheme) out += std::string(*parts.scheme) + ":";
  if (parts.authority) out += "//" + std::string(*parts.authority);
  out += path;
  if (parts.query) out += "?" + std::string(*parts.query);
  if (parts.fragment) out += "#" + std::string(*parts.fragment);
  return out;
}

}  // namespace

std::string resolve(std::string_view base_text, std::string_view reference) {
  const auto base = split(base_text);
  auto given = split(reference);
  if (given.scheme) return join(given, without_dots(given.path));
  given.scheme = base.scheme;
  if (given.authority) return join(given, without_dots(given.path));
  given.authority = base.authority;
  if (given.path.empty()) {
    if (!given.query) given.query = base.query;
    return join(given, base.path);
  }
  return join(given, without_dots(given.path.starts_with('/') ? std::string(given.path) : merge(base, given.path)));
}

}  // namespace toll::schema
