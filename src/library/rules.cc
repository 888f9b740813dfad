#include "library/rules.h"

#include <algorithm>
#include <chrono>

#include "base/text.h"

namespace toll::library {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return c >= 'A' && c <= 'Z';
}
bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, is_digit);
}

// C0, DEL and the C1 controls (two bytes each in UTF-8).
bool has_controls(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f) return true;
    if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

Complaint check_gtin(std::string_view text, std::size_t digits) {
  if (text.size() != digits || !all_digits(text)) return "must be " + std::to_string(digits) + " digits";
  int sum = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const bool tripled = (digits - i) % 2 == 0;
    sum += (text[i] - '0') * (tripled ? 3 : 1);
  }
  if (sum % 10 != 0) return "has a wrong check digit";
  return {};
}

}  // namespace

Complaint check_text(std::string_view text, std::int64_t min, std::int64_t max) {
  const auto length = static_cast<std::int64_t>(utf8_length(text));
  if (length < min || length > max || (min > 0 && trim(text).empty()))
    return min > 0 ? "must be " + std::to_string(min) + " to " + std::to_string(max) + " characters"
                   : "must be at most " + std::to_string(max) + " characters";
  if (has_controls(text)) return "must not contain control characters";
  return {};
}

Complaint check_release_date(std::string_view text) {
  const Complaint shape = "must be YYYY, YYYY-MM or YYYY-MM-DD";
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return shape;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (i == 4 || i == 7 ? text[i] != '-' : !is_digit(text[i])) return shape;
  const auto number = [&](std::size_t at, std::size_t size) { return *parse_int(text.substr(at, size)); };
  const auto year = number(0, 4), month = text.size() > 4 ? number(5, 2) : 1, day = text.size() > 7 ? number(8, 2) : 1;
  if (year < min_year || year > max_year)
    return "must be from " + std::to_string(min_year) + " to " + std::to_string(max_year);
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return "must be a day that exists";
  return {};
}

std::string normal_isrc(std::string_view text) {
  std::string out;
  for (char c : trim(text))
    if (c != '-') out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

Complaint check_isrc(std::string_view text) {
  const auto code = normal_isrc(text);
  const bool good =
      code.size() == 12 && is_letter(code[0]) && is_letter(code[1]) &&
      std::all_of(code.begin() + 2, code.begin() + 5, [](char c) { return is_letter(c) || is_digit(c); }) &&
      all_digits(std::string_view(code).substr(5));
  if (!good) return "must be an ISRC, as GBAYE0601498";
  return {};
}

Complaint check_ean(std::string_view text) {
  return check_gtin(text, 13);
}
Complaint check_upc(std::string_view text) {
  return check_gtin(text, 12);
}

Complaint check_url(std::string_view text) {
  const auto scheme = lower(text.substr(0, text.find(':')));
  const auto rest = text.substr(std::min(text.size(), scheme.size()));
  if ((scheme != "http" && scheme != "https") || !rest.starts_with("://") || rest.size() < 4 || rest[3] == '/')
    return "must be an http or https address";
  if (static_cast<std::int64_t>(text.size()) > max_url)
    return "must be at most " + std::to_string(max_url) + " characters";
  if (text.find_first_of(" \t\n\"<>\\^`{|}") != text.npos || has_controls(text))
    return "must be an http or https address";
  return {};
}

Complaint check_metadata(std::string_view json) {
  if (json.size() > max_metadata_bytes)
    return "must be at most " + std::to_string(max_metadata_bytes) + " bytes of JSON";
  return {};
}

}  // namespace toll::library
