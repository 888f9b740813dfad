#include "workflows/templates.h"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace toll::workflows {

namespace {

constexpr std::size_t longest_reference = 512, most_filled_in = 16 << 20;
constexpr int deepest = 200;

bool names_something(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

// "steps.read.text" to its names; empty when it is no path.
Reference path_of(std::string_view text) {
  Reference out(1);
  for (const char c : text) {
    if (c == '.' && !out.back().empty())
      out.emplace_back();
    else if (names_something(c))
      out.back() += c;
    else
      return {};
  }
  return out.back().empty() ? Reference{} : out;
}

std::string as_words(const json::Value& value) {
  if (const auto* text = value.if_string()) return std::string(*text);
  if (value.is_null()) return {};
  return boost::json::serialize(value);
}

class Expansion {
 public:
  explicit Expansion(const Scope& scope) : scope_(scope) {}
  const std::string& failed() const { return failed_; }

  json::Value of(const json::Value& value, const Path& path) {
    if (!spend(1)) return nullptr;
    if (const auto* text = value.if_string()) return of_text(*text);
    if (scope_.secret && secret_place(path) != SecretPlace::none)
      if (const auto name = secret_name(value)) return of_secret(*name);
    if (const auto* list = value.if_array()) {
      json::Array out;
      for (std::size_t i = 0; i < list->size(); ++i) out.push_back(of((*list)[i], path / i));
      return out;
    }
    if (const auto* object = value.if_object()) {
      json::Object out;
      for (const auto& [name, member] : *object) out[name] = of(member, path / std::string(name));
      return out;
    }
    return value;
  }

 private:
  json::Value of_text(std::string_view text) {
    const auto parts = parse_template(text);
    if (parts.size() == 1 && !parts[0].reference.empty()) return find(parts[0].reference);
    std::string out;
    for (const auto& part : parts) out += part.reference.empty() ? part.literal : as_words(find(part.reference));
    return json::Value(out);
  }

  json::Value find(const Reference& reference) {
    auto found = failed_.empty() ? scope_.find(reference) : std::nullopt;
    if (found && !weigh(*found, 0)) return nullptr;
    if (found) return std::move(*found);
    fail("There is nothing at {{" + to_text(reference) + "}}.");
    return nullptr;
  }

  json::Value of_secret(const std::string& name) {
    const auto secret = scope_.secret(name);
    if (secret) return json::Value(*secret);
    fail("There is no secret \"" + name + "\".");
    return nullptr;
  }

  // What is filled in counts before it is copied once more.
  bool spend(std::size_t bytes) {
    spent_ += bytes;
    if (spent_ > most_filled_in) fail("The templates bring in more than 16 MiB.");
    return failed_.empty();
  }
  bool weigh(const json::Value& value, int depth) {
    if (depth > deepest) return fail("The templates bring in values that are nested too deeply."), false;
    if (const auto* text = value.if_string()) return spend(16 + text->size());
    if (!spend(16)) return false;
    if (const auto* list = value.if_array())
      return std::ranges::all_of(*list, [&](const auto& item) { return weigh(item, depth + 1); });
    if (const auto* object = value.if_object())
      return std::ranges::all_of(
          *object, [&](const auto& member) { return spend(member.key().size()) && weigh(member.value(), depth + 1); });
    return true;
  }

  void fail(std::string why) {
    if (failed_.empty()) failed_ = std::move(why);
  }

  const Scope& scope_;
  std::string failed_;
  std::size_t spent_ = 0;
};

}  // namespace

std::string to_text(const Reference& reference) {
  std::string out;
  for (const auto& name : reference) out += (out.empty() ? "" : ".") + name;
  return out;
}

std::vector<TextPart> parse_template(std::string_view text) {
  std::vector<TextPart> out;
  std::string literal;
  while (!text.empty()) {
    const auto open = text.find("{{");
    if (open == text.npos) break;
    const auto inside = text.substr(open + 2, longest_reference);
    const auto close = inside.find("}}");
    auto reference = close == inside.npos ? Reference{} : path_of(trim(inside.substr(0, close)));
    if (reference.empty()) {
      literal += text.substr(0, open + 1);
      text.remove_prefix(open + 1);
      continue;
    }
    literal += text.substr(0, open);
    if (!literal.empty()) out.push_back({std::exchange(literal, {}), {}});
    out.push_back({{}, std::move(reference)});
    text.remove_prefix(open + 2 + close + 2);
  }
  literal += text;
  if (!literal.empty()) out.push_back({std::move(literal), {}});
  return out;
}

bool has_templates(std::string_view text) {
  for (const auto& part : parse_template(text))
    if (!part.reference.empty()) return true;
  return false;
}

std::optional<std::string> secret_name(const json::Value& value) {
  const auto* object = value.if_object();
  if (!object || object->size() != 1) return std::nullopt;
  const auto* name = object->if_contains("secret");
  if (!name || !name->is_string()) return std::nullopt;
  return std::string(name->get_string());
}

void each_reference(const json::Value& value, const Path& path,
                    const std::function<void(const Path&, const Reference&)>& visit) {
  if (const auto* text = value.if_string()) {
    for (const auto& part : parse_template(*text))
      if (!part.reference.empty()) visit(path, part.reference);
  } else if (const auto* list = value.if_array()) {
    for (std::size_t i = 0; i < list->size(); ++i) each_reference((*list)[i], path / i, visit);
  } else if (const auto* object = value.if_object()) {
    for (const auto& [name, member] : *object) each_reference(member, path / std::string(name), visit);
  }
}

SecretPlace secret_place(const Path& path) {
  static constexpr std::array<std::string_view, 7> credentials{"api_key",    "password",   "token", "dsn",
                                                               "access_key", "secret_key", "secret"};
  const auto name = [&](std::size_t i) -> std::string_view {
    const auto* text = std::get_if<std::string>(&path[i]);
    return text ? std::string_view(*text) : std::string_view();
  };
  if (path.empty() || path.size() > 2) return SecretPlace::none;
  if (path.size() == 2 && name(0) == "headers") return SecretPlace::header;
  if (path.size() == 2 && name(0) != "auth") return SecretPlace::none;
  return std::ranges::find(credentials, name(path.size() - 1)) == credentials.end() ? SecretPlace::none
                                                                                    : SecretPlace::credential;
}

void each_secret_place(const json::Object& with,
                       const std::function<void(const Path&, SecretPlace, const json::Value&)>& visit) {
  const auto look = [&](const json::Object& object, const Path& base) {
    for (const auto& [name, value] : object) {
      const auto path = base / std::string(name);
      if (const auto place = secret_place(path); place != SecretPlace::none) visit(path, place, value);
    }
  };
  look(with, {});
  for (const auto* inner : {"auth", "headers"})
    if (const auto* value = with.if_contains(inner); value && value->is_object())
      look(value->get_object(), Path{std::string(inner)});
}

const json::Value* walk(const json::Value& from, const Reference& path, std::size_t first) {
  const auto* at = &from;
  for (std::size_t i = first; i < path.size() && at; ++i) {
    if (const auto* object = at->if_object()) {
      at = object->if_contains(path[i]);
    } else if (const auto* list = at->if_array()) {
      const auto place = parse_int(path[i]);
      at = place && *place >= 0 && static_cast<std::size_t>(*place) < list->size()
               ? &(*list)[static_cast<std::size_t>(*place)]
               : nullptr;
    } else {
      at = nullptr;
    }
  }
  return at;
}

std::variant<json::Object, std::string> expand(const json::Object& with, const Scope& scope) {
  Expansion expansion(scope);
  auto out = expansion.of(with, {});
  if (!expansion.failed().empty()) return expansion.failed();
  return std::move(out.get_object());
}

}  // namespace toll::workflows
