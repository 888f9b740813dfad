#include "library/words.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>

#include "base/text.h"

namespace toll::library {

namespace {

constexpr std::size_t longest_word = 200;  // bytes; more could not be told apart by a reader either

struct Free {
  void operator()(utf8proc_uint8_t* p) const { std::free(p); }
};

std::string mapped(std::string_view text, int options) {
  utf8proc_uint8_t* raw = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &raw, static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, Free> owned(raw);
  if (size == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
  if (size < 0) throw std::invalid_argument("text that is no UTF-8");
  return {reinterpret_cast<const char*>(owned.get()), static_cast<std::size_t>(size)};
}

// Letters that no decomposition takes apart, after case folding.
std::string_view plain_form(utf8proc_int32_t code) {
  switch (code) {
    case U'\u00f8':
      return "o";  // o with stroke
    case U'\u0142':
      return "l";  // l with stroke
    case U'\u0111':
    case U'\u00f0':
      return "d";  // d with stroke, eth
    case U'\u0127':
      return "h";  // h with stroke
    case U'\u0131':
      return "i";  // dotless i
    case U'\u00fe':
      return "th";  // thorn
    case U'\u00e6':
      return "ae";
    case U'\u0153':
      return "oe";
    default:
      return {};
  }
}

bool belongs_to_a_word(utf8proc_int32_t code) {
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

// An apostrophe inside a word is no gap: "don't" is found as "dont".
bool is_apostrophe(utf8proc_int32_t code) {
  return code == '\'' || code == U'\u2019' || code == U'\u02bc';
}

}  // namespace

std::string caseless(std::string_view text) {
  return mapped(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
}

std::vector<std::string> words_of(std::string_view text) {
  const auto plain = mapped(text, UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD |
                                      UTF8PROC_STRIPMARK | UTF8PROC_IGNORE);
  std::vector<std::string> words;
  std::string word;
  auto close = [&] {
    if (!word.empty()) words.emplace_back(utf8_prefix(word, longest_word));
    word.clear();
  };
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(plain.data());
  auto left = static_cast<utf8proc_ssize_t>(plain.size());
  while (left > 0) {
    utf8proc_int32_t code = 0;
    const auto bytes = utf8proc_iterate(at, left, &code);
    if (bytes <= 0) throw std::logic_error("utf8proc made text that it cannot read");
    if (const auto form = plain_form(code); !form.empty())
      word += form;
    else if (belongs_to_a_word(code))
      word.append(reinterpret_cast<const char*>(at), static_cast<std::size_t>(bytes));
    else if (!is_apostrophe(code))
      close();
    at += bytes;
    left -= bytes;
  }
  close();
  return words;
}

std::string folded(std::string_view text) {
  std::string out;
  for (const auto& word : words_of(text)) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

}  // namespace toll::library
