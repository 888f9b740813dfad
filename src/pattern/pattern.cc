#include "pattern/pattern.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace toll::pattern {

namespace {

constexpr std::size_t longest_text = 4096;
constexpr std::int64_t most_memory = 512 << 10;

// ECMA-262's white space (22.2.2.9), which is wider than RE2's.
constexpr std::string_view space = R"(\t\n\x{b}\f\r \x{a0}\x{feff}\x{2028}\x{2029}\p{Zs})";

bool is_hex(std::string_view digits) {
  return std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isxdigit(c); });
}

// Rewrites what ECMA-262 spells otherwise than RE2, escape by escape.
class Translation {
 public:
  explicit Translation(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size())
        escape();
      else
        plain();
    }
    return std::move(out_);
  }

 private:
  void plain() {
    // ECMA-262's named groups; what looks behind stays as it is, and is refused.
    const auto rest = text_.substr(at_);
    if (!in_class_ && rest.starts_with("(?<") && !rest.starts_with("(?<=") && !rest.starts_with("(?<!")) {
      out_ += "(?P<";
      at_ += 3;
      return;
    }
    if (text_[at_] == '[') in_class_ = true;
    if (text_[at_] == ']') in_class_ = false;
    out_ += text_[at_++];
  }

  void escape() {
    const char c = text_[at_ + 1];
    at_ += 2;
    switch (c) {
      case 'u':
        return code_unit();
      case 's':
        out_ += in_class_ ? std::string(space) : "[" + std::string(space) + "]";
        return;
      case 'S':
        // Inside a class RE2 offers no complement of a set: its own, narrower idea of space is taken there.
        out_ += in_class_ ? "\\S" : "[^" + std::string(space) + "]";
        return;
      case 'c':
        if (at_ < text_.size() && std::isalpha(static_cast<unsigned char>(text_[at_]))) {
          return code_point(static_cast<unsigned char>(text_[at_++]) % 32);
        }
        break;
      case '/':
        out_ += '/';
        return;
      case 'v':
        out_ += "\\x{b}";
        return;
      case 'A':
      case 'z':
      case 'Z':
      case 'C':
      case 'Q':
      case 'E':
        // Words of RE2 that ECMA-262 does not have: an error there, so one here.
        out_ += "\\8";
        return;
      default:
        break;
    }
    out_ += '\\';
    out_ += c;
  }

  void code_point(unsigned long code) {
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, "\\x{%lx}", code);
    out_ += buffer;
  }

  void code_unit() {
    if (at_ < text_.size() && text_[at_] == '{') {
      out_ += "\\x";
      return;
    }
    auto digits = text_.substr(at_, 4);
    if (digits.size() != 4 || !is_hex(digits)) {
      out_ += "\\u";
      return;
    }
    at_ += 4;
    auto code = std::stoul(std::string(digits), nullptr, 16);
    const auto low = text_.substr(at_, 6);
    if (code >= 0xd800 && code < 0xdc00 && low.size() == 6 && low.starts_with("\\u") && is_hex(low.substr(2))) {
      const auto second = std::stoul(std::string(low.substr(2)), nullptr, 16);
      if (second >= 0xdc00 && second < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00);
        at_ += 6;
      }
    }
    code_point(code);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool in_class_ = false;
  std::string out_;
};

re2::StringPiece piece(std::string_view text) {
  // A piece of nothing would be taken for a group that took no part.
  return text.data() ? re2::StringPiece(text.data(), text.size()) : re2::StringPiece("", 0);
}

}  // namespace

Pattern::Compiled Pattern::compile(std::string_view text, Options options) {
  if (text.size() > longest_text) return {std::nullopt, "is longer than 4096 bytes"};
  re2::RE2::Options how;
  how.set_log_errors(false);
  how.set_max_mem(most_memory);
  how.set_case_sensitive(!options.ignore_case);
  auto expression = std::make_shared<re2::RE2>(piece((options.lines ? "(?m)" : "") + Translation(text).run()), how);
  if (!expression->ok()) return {std::nullopt, expression->error()};
  return {Pattern(std::move(expression)), {}};
}

bool Pattern::found_in(std::string_view text) const {
  return re2::RE2::PartialMatch(piece(text), *expression_);
}

std::optional<std::vector<Pattern::Group>> Pattern::first_in(std::string_view text, std::size_t from) const {
  std::vector<re2::StringPiece> found(static_cast<std::size_t>(groups()) + 1);
  if (from > text.size() || !expression_->Match(piece(text), from, text.size(), re2::RE2::UNANCHORED, found.data(),
                                                static_cast<int>(found.size())))
    return std::nullopt;
  std::vector<Group> out;
  for (const auto& group : found)
    out.push_back(group.data() ? Group(std::string_view(group.data(), group.size())) : std::nullopt);
  return out;
}

int Pattern::groups() const {
  return expression_->NumberOfCapturingGroups();
}

}  // namespace toll::pattern
