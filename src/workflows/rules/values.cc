#include "workflows/rules/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <vector>

#include "base/text.h"
#include "pattern/pattern.h"

namespace toll::workflows::rules {

namespace {

using pattern::Pattern;

Pattern fixed(std::string_view expression, bool ignore_case = true) {
  return Pattern::compile(expression, {.ignore_case = ignore_case}).pattern.value();
}

// What a lone separator before exactly three digits is.
enum class Lone : std::uint8_t { point_is_decimal, separates };

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Longer texts are no numbers, amounts or dates.
constexpr std::size_t longest = 200;

// Blanks of typography to plain ones, and the long minus to the short one.
std::string plain(std::string_view text) {
  using Pair = std::pair<std::string_view, char>;
  static constexpr std::array<Pair, 4> spellings{
      Pair{"\u00a0", ' '}, {"\u202f", ' '}, {"\u2009", ' '}, {"\u2212", '-'}};
  text = trim(text);
  std::string out;
  while (!text.empty()) {
    const auto found =
        std::find_if(spellings.begin(), spellings.end(), [&](const Pair& one) { return text.starts_with(one.first); });
    out += found == spellings.end() ? text[0] : found->second;
    text.remove_prefix(found == spellings.end() ? 1 : found->first.size());
  }
  return std::string(trim(out));
}

bool take_sign(std::string& text) {
  if (text.starts_with('(') && text.ends_with(')')) {
    text = std::string(trim(text.substr(1, text.size() - 2)));
    return true;
  }
  const bool before = text.starts_with('-'), behind = !before && text.ends_with('-');
  if (before || text.starts_with('+')) text.erase(0, 1);
  if (behind) text.pop_back();
  text = std::string(trim(text));
  return before || behind;
}

// Groups of three after the first separator of thousands.
bool well_grouped(std::string_view whole, char separator) {
  auto at = whole.find(separator);
  if (at == 0 || at > 3) return at == whole.npos;
  while (at != whole.npos) {
    const auto next = whole.find(separator, at + 1);
    if ((next == whole.npos ? whole.size() : next) - at != 4) return false;
    at = next;
  }
  return true;
}

struct Separators {
  char decimal = 0, thousands = 0;
};

// nullopt: no reading makes sense.
std::optional<Separators> separators_of(std::string_view digits, Lone lone) {
  const auto points = std::count(digits.begin(), digits.end(), '.'),
             commas = std::count(digits.begin(), digits.end(), ',');
  const char other = digits.find('\'') != digits.npos ? '\'' : digits.find(' ') != digits.npos ? ' ' : 0;
  if (points > 0 && commas > 0) {
    if (other) return std::nullopt;
    const bool point_last = digits.rfind('.') > digits.rfind(',');
    if ((point_last ? points : commas) > 1) return std::nullopt;
    return point_last ? Separators{'.', ','} : Separators{',', '.'};
  }
  if (points + commas == 0) return Separators{0, other};
  const char mark = points ? '.' : ',';
  if (points + commas > 1) return other ? std::nullopt : std::optional(Separators{0, mark});
  if (other) return Separators{mark, other};
  const auto at = digits.find(mark);
  const bool three = digits.size() - at == 4 && at >= 1 && at <= 3 && !(at == 1 && digits[0] == '0');
  const bool thousands = three && (mark == ',' || lone == Lone::separates);
  return thousands ? Separators{0, mark} : Separators{mark, 0};
}

std::optional<double> number(std::string_view given, Lone lone) {
  if (given.size() > longest) return std::nullopt;
  auto text = plain(given);
  const bool negative = take_sign(text);
  if (text.empty() || text.size() > 40 || !is_digit(text.back())) return std::nullopt;
  if (!is_digit(text.front()) && text.front() != '.' && text.front() != ',') return std::nullopt;
  if (text.find_first_not_of("0123456789., '") != text.npos) return std::nullopt;
  const auto separators = separators_of(text, lone);
  if (!separators) return std::nullopt;
  const auto decimal = separators->decimal ? text.find(separators->decimal) : text.npos;
  auto whole = text.substr(0, decimal), fraction = decimal == text.npos ? "" : text.substr(decimal + 1);
  if (separators->thousands && !well_grouped(whole, separators->thousands)) return std::nullopt;
  std::erase_if(whole, [](char c) { return !is_digit(c); });
  if (fraction.find_first_not_of("0123456789") != fraction.npos) return std::nullopt;
  const auto canonical = (whole.empty() ? "0" : whole) + (fraction.empty() ? "" : "." + fraction);
  double value = 0;
  std::from_chars(canonical.data(), canonical.data() + canonical.size(), value);
  return negative ? -value : value;
}

struct Sign {
  std::string_view text, currency;
};
constexpr std::array signs{Sign{"US$", "USD"}, Sign{"C$", "CAD"},  Sign{"A$", "AUD"}, Sign{"$", "USD"},
                           Sign{"€", "EUR"},   Sign{"£", "GBP"},   Sign{"¥", "JPY"},  Sign{"₹", "INR"},
                           Sign{"₩", "KRW"},   Sign{"₽", "RUB"}, Sign{"₺", "TRY"},  Sign{"₴", "UAH"},
                           Sign{"zł", "PLN"},  Sign{"Kč", "CZK"}};
constexpr std::array codes{"USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "CAD", "AUD", "NZD",
                           "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN", "TRY", "UAH",
                           "RUB", "KRW", "BRL", "MXN", "ZAR", "SGD", "HKD", "THB", "IDR", "MYR",
                           "PHP", "VND", "ILS", "AED", "SAR", "ISK", "ARS", "CLP", "COP", "TWD"};

// A currency at either end, taken off; false: two that differ.
bool take_currency(std::string& text, std::string& currency, std::string_view word, std::string_view code) {
  for (const bool front : {true, false}) {
    const bool here =
        text.size() > word.size() && (front ? equal_ignoring_case(text.substr(0, word.size()), word)
                                            : equal_ignoring_case(text.substr(text.size() - word.size()), word));
    if (!here) continue;
    if (!currency.empty() && currency != code) return false;
    currency = code;
    text = std::string(trim(front ? text.substr(word.size()) : text.substr(0, text.size() - word.size())));
  }
  return true;
}

constexpr std::array months{"january", "february", "march",     "april",   "may",      "june",
                            "july",    "august",   "september", "october", "november", "december"};

// 1 to 12 of a name or at least its first three letters; 0: none.
unsigned month_of(std::string_view name) {
  const auto word = lower(name);
  for (unsigned i = 0; i < months.size(); ++i)
    if (word.size() >= 3 && std::string_view(months[i]).starts_with(word)) return i + 1;
  return word == "sept" ? 9 : 0;
}

std::optional<std::string> date(std::int64_t year, std::int64_t month, std::int64_t day,
                                std::size_t digits_of_year = 4) {
  if (digits_of_year == 2) year += year < 70 ? 2000 : 1900;
  const std::chrono::year_month_day value{std::chrono::year(static_cast<int>(year)),
                                          std::chrono::month(static_cast<unsigned>(month)),
                                          std::chrono::day(static_cast<unsigned>(day))};
  if (year < 1000 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || !value.ok()) return std::nullopt;
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d", static_cast<int>(year), static_cast<int>(month),
                static_cast<int>(day));
  return text;
}

std::int64_t count(const Pattern::Group& group) {
  return parse_int(*group).value_or(0);
}

std::optional<std::string> ordered(std::int64_t first, std::int64_t second, const Pattern::Group& year,
                                   DayOrder order) {
  if (order == DayOrder::unknown) {
    const bool may_be_both = first <= 12 && second <= 12 && first != second;
    // "26-01-31" may begin with its year as well.
    const bool year_may_be_first = year->size() == 2 && date(first, second, count(year), 2).has_value();
    if (may_be_both || year_may_be_first) return std::nullopt;
  }
  const bool month_first = order == DayOrder::month_first || (order == DayOrder::unknown && second > 12);
  return month_first ? date(count(year), first, second, year->size()) : date(count(year), second, first, year->size());
}

}  // namespace

std::optional<double> read_number(std::string_view text) {
  return number(text, Lone::point_is_decimal);
}

std::optional<std::int64_t> read_integer(std::string_view text) {
  const auto value = number(text, Lone::point_is_decimal);
  if (!value || std::trunc(*value) != *value || std::abs(*value) > 9007199254740992.0) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

std::optional<Money> read_money(std::string_view given) {
  if (given.size() > longest) return std::nullopt;
  Money out;
  auto text = plain(given);
  const bool in_brackets = text.starts_with('(') && text.ends_with(')');
  if (in_brackets) text = text.substr(1, text.size() - 2);
  bool negative = in_brackets;
  // A sign may stand before the currency: "-$5.00".
  if (in_brackets && text.starts_with('-')) return std::nullopt;
  if (text.starts_with('-')) {
    negative = true;
    text = std::string(trim(text.substr(1)));
  }
  for (const auto& sign : signs)
    if (!take_currency(text, out.currency, sign.text, sign.currency)) return std::nullopt;
  for (const std::string_view code : codes)
    if (!take_currency(text, out.currency, code, code)) return std::nullopt;
  // One sign says that it is owed; two could say anything.
  if (negative && text.find_first_of("-+(") != text.npos) return std::nullopt;
  const auto amount = number(text, Lone::separates);
  if (!amount) return std::nullopt;
  out.amount = negative ? -*amount : *amount;
  return out;
}

std::optional<std::string> read_date(std::string_view given, DayOrder order) {
  static const auto year_first = fixed(
      R"(^(\d{4})([-/.]?)(\d{1,2})([-/.]?)(\d{1,2})(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:Z|[+-]\d{2}:?\d{2})?)?$)");
  static const auto year_last = fixed(R"(^(\d{1,2})\s*([-/.])\s*(\d{1,2})\s*([-/.])\s*(\d{4}|\d{2})$)");
  static const auto day_name =
      fixed(R"(^(?:\p{L}+,\s*)?(\d{1,2})(?:st|nd|rd|th|\.)?[\s-]*(?:of\s+)?([a-z]{3,9})\.?[\s,-]*(\d{4}|\d{2})$)");
  static const auto name_day = fixed(R"(^(?:\p{L}+,\s*)?([a-z]{3,9})\.?\s*(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})$)");
  if (given.size() > longest) return std::nullopt;
  const auto text = plain(given);
  if (const auto found = year_first.first_in(text)) {
    const auto& parts = *found;
    const bool together = parts[2]->empty() && parts[4]->empty() && parts[3]->size() == 2 && parts[5]->size() == 2;
    if (!together && (parts[2]->empty() || *parts[2] != *parts[4])) return std::nullopt;
    return date(count(parts[1]), count(parts[3]), count(parts[5]));
  }
  if (const auto found = year_last.first_in(text)) {
    const auto& parts = *found;
    if (*parts[2] != *parts[4]) return std::nullopt;
    // With points the day comes first wherever dates are written so.
    return ordered(count(parts[1]), count(parts[3]), parts[5], *parts[2] == "." ? DayOrder::day_first : order);
  }
  if (const auto found = day_name.first_in(text))
    return date(count((*found)[3]), month_of(*(*found)[2]), count((*found)[1]), (*found)[3]->size());
  if (const auto found = name_day.first_in(text))
    return date(count((*found)[3]), month_of(*(*found)[1]), count((*found)[2]));
  return std::nullopt;
}

std::optional<std::string> read_email(std::string_view text) {
  static const auto address = fixed(
      R"([a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,63})");
  const auto found = address.first_in(text);
  if (!found) return std::nullopt;
  return std::string(*found->front());
}

std::optional<bool> read_boolean(std::string_view given) {
  if (given.size() > longest) return std::nullopt;
  const auto text = lower(plain(given));
  for (const std::string_view word : {"yes", "true", "y", "1", "on", "x", "[x]", "(x)", "\u2611", "\u2713", "\u2714"})
    if (text == word) return true;
  for (const std::string_view word : {"no", "false", "n", "0", "off", "[ ]", "[]", "( )", "\u2610"})
    if (text == word) return false;
  return std::nullopt;
}

}  // namespace toll::workflows::rules
