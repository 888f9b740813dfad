#include "workflows/rules/table.h"

#include <gtest/gtest.h>

namespace toll::workflows::rules {
namespace {

std::optional<Rows> rows(std::vector<std::string> headings, std::string_view text) {
  std::vector<Phrase> phrases;
  for (const auto& heading : headings) phrases.push_back(*Phrase::of(heading));
  return rows_under(phrases, text);
}

TEST(Table, is_read_by_the_places_of_its_columns) {
  EXPECT_EQ(rows({"Item", "Qty", "Unit price", "Amount"},
                 "Invoice 7\n\n"
                 "Item                 Qty   Unit Price    Amount\n"
                 "------------------------------------------------\n"
                 "Blue pen               2         1.50      3.00\n"
                 "Paper, A4             10         4.20     42.00\n"
                 "  white, 80 g\n"
                 "Delivery                                   5.00\n"
                 "Total                                     50.00\n"),
            (Rows{{"Blue pen", "2", "1.50", "3.00"}, {"Paper, A4 white, 80 g", "10", "4.20", "42.00"}}));
}

TEST(Table, may_lack_one_cell_of_four) {
  EXPECT_EQ(rows({"A", "B", "C", "D"}, "A     B     C     D\n1           3     4\n\n9 9"), (Rows{{"1", "", "3", "4"}}));
}

TEST(Table, is_read_by_its_delimiters) {
  EXPECT_EQ(rows({"name", "price"}, "id,Name,extra,Price\n1,\"Pen, blue\",x,1.50\n2,\"5\"\" ruler\",,\n\nend"),
            (Rows{{"Pen, blue", "1.50"}, {"5\" ruler", ""}}));
  EXPECT_EQ(rows({"a", "b"}, "a\tb\n1\t2"), (Rows{{"1", "2"}}));
}

TEST(Table, with_a_heading_that_has_no_cell_of_its_own_is_none) {
  EXPECT_EQ(rows({"A", "B"}, "\"A, B\",C\n1,2"), std::nullopt);
  EXPECT_EQ(rows({"Unit price", "Qty"}, "Unit\tprice\tQty\n1\t2\t3"), std::nullopt);
  EXPECT_EQ(rows({"Item", "Price, EUR", "Qty"}, "Item,Price, EUR,Qty\nPen,1,2,3"), std::nullopt);
  EXPECT_EQ(rows({"A", "B"}, "\"A, B\",C\n1,2\nA,B\n3,4"), (Rows{{"3", "4"}}));
}

TEST(Table, is_looked_for_in_lines_of_any_length) {
  std::string line = "A  B";
  for (int i = 0; i < 400'000; ++i) line += "  x";
  EXPECT_EQ(rows({"A", "C"}, line + "\nA  C\n1  2"), (Rows{{"1", "2"}}));
  EXPECT_EQ(segments_of(line).size(), 400'002u);
}

TEST(Table, without_its_headings_is_none) {
  EXPECT_EQ(rows({"Item", "Price"}, "Price  Item\n1  2"), std::nullopt);
  EXPECT_EQ(rows({"Item", "Price"}, ""), std::nullopt);
  EXPECT_EQ(rows({"Item", "Price"}, "Item  Price"), Rows{});
}

TEST(Segments, count_characters_and_not_bytes) {
  const auto found = segments_of("é  b");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].begin, 3u);
}

}  // namespace
}  // namespace toll::workflows::rules
