// Texts of documents as values. Each: nullopt if the text is not of the kind, or could mean two things.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace toll::workflows::rules {

// "1,234.56", "1.234,56", "1 234,56", "1'234.56", "-12", "12-", "(12.50)". A single point or comma before exactly three
// digits: a point is a decimal point, a comma separates thousands (the one reading among two that is chosen).
std::optional<double> read_number(std::string_view text);
// A number without a fraction ("12", "1,200", "12.0") that fits 53 bits.
std::optional<std::int64_t> read_integer(std::string_view text);

struct Money {
  double amount = 0;
  std::string currency;  // ISO 4217; empty: none was written. "$" alone is USD.
};
// A number with or without a currency before or behind it. Of single separators before three digits both separate
// thousands.
std::optional<Money> read_money(std::string_view text);

// What "03/04/2026" means.
enum class DayOrder : std::uint8_t { unknown, day_first, month_first };
// "2026-01-31" of that, "2026/1/31", "20260131", "31.01.2026", "31/01/2026", "31-Jan-2026", "January 31st, 2026". Two
// digits of a year are 1970 to 2069. With unknown order, numbers that could be both day and month are none.
std::optional<std::string> read_date(std::string_view text, DayOrder order = DayOrder::unknown);

std::optional<std::string> read_email(std::string_view text);  // the first address in it
std::optional<bool> read_boolean(std::string_view text);       // yes no true false y n 1 0 on off x [x] [ ]

}  // namespace toll::workflows::rules
