#include "workflows/rules/values.h"

#include <gtest/gtest.h>

namespace toll::workflows::rules {
namespace {

TEST(Number, is_read_in_the_spellings_of_many_countries) {
  for (const auto& [text, value] : {std::pair{"42", 42.0},
                                    {"1,234.56", 1234.56},
                                    {"1.234,56", 1234.56},
                                    {"1 234,56", 1234.56},
                                    {"1\u202f234,56", 1234.56},
                                    {"1'234.50", 1234.5},
                                    {"1,234,567", 1234567.0},
                                    {"1.234.567", 1234567.0},
                                    {"-12", -12.0},
                                    {"12-", -12.0},
                                    {"(12.50)", -12.5},
                                    {"\u221212", -12.0},
                                    {"+3", 3.0},
                                    {"0,5", 0.5},
                                    {".5", 0.5},
                                    {"1,234", 1234.0},
                                    {"1.234", 1.234},
                                    {"0,123", 0.123},
                                    {" 7 ", 7.0},
                                    {"12,34", 12.34}})
    EXPECT_EQ(read_number(text), value) << text;
  for (auto none :
       {"", "abc", "1,23,456", "12.34.56", "1.2,3.4", "--1", "1-2", "12 EUR", "1,2345,678", "0x10", "1e5", "5.", "NaN"})
    EXPECT_EQ(read_number(none), std::nullopt) << none;
}

TEST(Integer, has_no_fraction) {
  EXPECT_EQ(read_integer("1,200"), 1200);
  EXPECT_EQ(read_integer("12.0"), 12);
  EXPECT_EQ(read_integer("12.5"), std::nullopt);
  EXPECT_EQ(read_integer("99999999999999999999"), std::nullopt);
}

TEST(Money, has_an_amount_and_perhaps_a_currency) {
  const auto said = [](std::string_view text) {
    const auto money = read_money(text);
    return money ? std::to_string(money->amount) + " " + money->currency : "none";
  };
  EXPECT_EQ(said("$1,234.50"), "1234.500000 USD");
  EXPECT_EQ(said("1.234,50 €"), "1234.500000 EUR");
  EXPECT_EQ(said("EUR 1.234"), "1234.000000 EUR");
  EXPECT_EQ(said("-£5"), "-5.000000 GBP");
  EXPECT_EQ(said("($5.00)"), "-5.000000 USD");
  EXPECT_EQ(said("$ 5.00 USD"), "5.000000 USD");
  EXPECT_EQ(said("42"), "42.000000 ");
  EXPECT_EQ(said("CHF 1'000.00"), "1000.000000 CHF");
  for (auto two_signs : {"-(5.00)", "-$-5", "-5-", "(5-)", "(-5)"}) EXPECT_EQ(said(two_signs), "none") << two_signs;
  EXPECT_EQ(said("$5 EUR"), "none");
  EXPECT_EQ(said("USD"), "none");
  EXPECT_EQ(said("n/a"), "none");
}

TEST(Date, is_written_in_one_way) {
  for (auto text : {"2026-01-31", "2026/1/31", "20260131", "31.01.2026", "31.1.26", "31/01/2026", "01/31/2026",
                    "31-Jan-2026", "31 January 2026", "January 31, 2026", "Jan. 31st, 2026", "31st of January 2026",
                    "Saturday, 31 January 2026", "2026-01-31T10:00:00Z"})
    EXPECT_EQ(read_date(text), "2026-01-31") << text;
  EXPECT_EQ(read_date("31.12.69"), "2069-12-31");
  EXPECT_EQ(read_date("31.12.70"), "1970-12-31");
}

TEST(Date, that_could_be_two_days_is_none) {
  EXPECT_EQ(read_date("03/04/2026"), std::nullopt);
  EXPECT_EQ(read_date("03/04/2026", DayOrder::day_first), "2026-04-03");
  EXPECT_EQ(read_date("03/04/2026", DayOrder::month_first), "2026-03-04");
  EXPECT_EQ(read_date("04/04/2026"), "2026-04-04");
  EXPECT_EQ(read_date("26-01-31"), std::nullopt);  // 2026 or 2031
  EXPECT_EQ(read_date("26/01/31", DayOrder::day_first), "2031-01-26");
  EXPECT_EQ(read_date("01/31/2026", DayOrder::day_first), std::nullopt);
  EXPECT_EQ(read_date("01.31.2026"), std::nullopt);
  for (auto none : {"", "30.02.2026", "2026-13-01", "31/31/2026", "1.2", "2026", "31 Foo 2026",
                    "2026-01-31 to 2026-02-28", "2026-01-31T rubbish", "12-31.2026", "2026-0131"})
    EXPECT_EQ(read_date(none), std::nullopt) << none;
}

TEST(Email, is_found_among_words) {
  EXPECT_EQ(read_email("write to <a.b+c@mail.example.org>, please"), "a.b+c@mail.example.org");
  EXPECT_EQ(read_email("nobody@localhost"), std::nullopt);
}

TEST(Boolean, is_said_in_words_and_boxes) {
  EXPECT_EQ(read_boolean(" Yes "), true);
  EXPECT_EQ(read_boolean("[x]"), true);
  EXPECT_EQ(read_boolean("FALSE"), false);
  EXPECT_EQ(read_boolean("maybe"), std::nullopt);
}

}  // namespace
}  // namespace toll::workflows::rules
