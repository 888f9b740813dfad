#include "workflows/rules/phrase.h"

#include <cctype>

#include "base/text.h"

namespace toll::workflows::rules {

namespace {

constexpr std::size_t longest_phrase = 200;

// Bytes of characters beyond ASCII count as letters.
bool is_letter(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) || c == '_';
}

bool stands_alone(std::string_view text, Phrase::Place place) {
  const bool joined_before = place.begin > 0 && is_letter(text[place.begin - 1]) && is_letter(text[place.begin]);
  const bool joined_after = place.end < text.size() && is_letter(text[place.end]) && is_letter(text[place.end - 1]);
  return !joined_before && !joined_after;
}

}  // namespace

std::optional<Phrase> Phrase::of(std::string_view text) {
  text = trim(text);
  if (text.empty() || text.size() > longest_phrase) return std::nullopt;
  std::string expression;
  bool blank = false;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c))) {
      if (!blank) expression += "[ \\t\\x{a0}]+";
      blank = true;
      continue;
    }
    blank = false;
    if (std::ispunct(static_cast<unsigned char>(c))) expression += '\\';
    expression += c;
  }
  auto compiled = pattern::Pattern::compile(expression, {.ignore_case = true});
  if (!compiled.pattern) return std::nullopt;
  return Phrase(std::move(*compiled.pattern));
}

std::optional<Phrase::Place> Phrase::find(std::string_view text, std::size_t from) const {
  while (const auto found = pattern_.first_in(text, from)) {
    const auto whole = *found->front();
    const auto begin = static_cast<std::size_t>(whole.data() - text.data());
    const Place place{begin, begin + whole.size()};
    if (stands_alone(text, place)) return place;
    from = place.begin + 1;
  }
  return std::nullopt;
}

}  // namespace toll::workflows::rules
