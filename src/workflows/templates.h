// {{steps.read.text}}: the templates that stand in the texts of a step's `with`.
//
// A template is two braces around a path of names and numbers. Any other text in braces is text. A text that is one
// template and nothing else becomes the value itself, of whatever type; in longer texts values become text. What a
// template brought in is never looked at for templates, nor for secrets. {"secret": "NAME"} stands for a secret, in the
// places alone that are made for one: what a step sends elsewhere as its credentials, not what it gives back.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "json/parse.h"
#include "workflows/problems.h"

namespace toll::workflows {

// The names between the dots; never empty.
using Reference = std::vector<std::string>;
std::string to_text(const Reference& reference);

struct TextPart {
  std::string literal;
  Reference reference;  // empty: it is a literal
};
std::vector<TextPart> parse_template(std::string_view text);
bool has_templates(std::string_view text);
// The name of {"secret": "NAME"}.
std::optional<std::string> secret_name(const json::Value& value);
// Whether a credential stands here, counted from `with`: a member called password, token, api_key, ... of it or of its
// `auth`, where a literal is refused; or a value of its `headers`, which may be a literal.
enum class SecretPlace { none, credential, header };
SecretPlace secret_place(const Path& path);

// Every template in the value's texts, with where it stands.
void each_reference(const json::Value& value, const Path& path,
                    const std::function<void(const Path&, const Reference&)>& visit);
// Every place made for a secret that is filled, with its value.
void each_secret_place(const json::Object& with,
                       const std::function<void(const Path&, SecretPlace, const json::Value&)>& visit);

// The value that a path of names leads to; nullptr: nothing there. Numbers are places in lists.
const json::Value* walk(const json::Value& from, const Reference& path, std::size_t first);

struct Scope {
  // nullopt: there is no such value.
  std::function<std::optional<json::Value>(const Reference&)> find;
  std::function<std::optional<std::string>(const std::string& name)> secret;
};
// `with` with everything filled in, or the sentence that says which template or secret could not be. Without
// scope.secret {"secret": ...} is an object like any other.
std::variant<json::Object, std::string> expand(const json::Object& with, const Scope& scope);

}  // namespace toll::workflows
