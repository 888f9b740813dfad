// Regular expressions of strangers, matched in time linear in the text (RE2). The spelling is ECMA-262's with the flag
// u, as JSON Schema wants it, as far as that can be done: no back references, no look-around.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace toll::pattern {

struct Options {
  bool ignore_case = false;
  bool lines = false;  // ^ and $ also at the ends of lines
};

// Immutable, cheap to copy, thread-safe.
class Pattern {
 public:
  // One group; nullopt: it took no part.
  using Group = std::optional<std::string_view>;

  struct Compiled;
  // Expressions beyond 4 KiB, and those whose program would be larger than RE2's bound, are refused like malformed
  // ones.
  static Compiled compile(std::string_view text, Options options = {});

  // Anywhere in the text, which is UTF-8.
  bool found_in(std::string_view text) const;
  // The first match at or after `from`: the whole of it, then its groups. nullopt: none. Views into `text`.
  std::optional<std::vector<Group>> first_in(std::string_view text, std::size_t from = 0) const;
  int groups() const;  // besides the whole

 private:
  explicit Pattern(std::shared_ptr<const re2::RE2> expression) : expression_(std::move(expression)) {}
  std::shared_ptr<const re2::RE2> expression_;
};

struct Pattern::Compiled {
  std::optional<Pattern> pattern;
  std::string why;  // without a pattern: what is wrong with the text
};

}  // namespace toll::pattern
