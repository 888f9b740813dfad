#include "workflows/rules/fields.h"

#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

namespace toll::workflows::rules {
namespace {

constexpr auto invoice =
    "ACME Ltd                                  Invoice No.: INV-0042\n"
    "Billing <billing@acme.example>            Date: 31 January 2026\n"
    "\n"
    "Customer            Due date\n"
    "Jane Doe            2026-02-28\n"
    "\n"
    "Item            Qty      Amount\n"
    "Pen               2        3.00\n"
    "Paper            10       42.00\n"
    "\n"
    "Subtotal                  45.00\n"
    "Total (EUR)            1.045,00 EUR\n"
    "Paid: yes   Reverse charge: no\n";

json::Value parsed(std::string_view text) {
  return json::parse(text).value();
}

Extracted extracted(std::string_view fields, const Document& document) {
  const auto declared = read_fields(parsed(fields));
  EXPECT_TRUE(declared.mistakes.empty()) << declared.mistakes.front().message;
  return extract(declared.fields, document);
}

std::string value(std::string_view field, std::string_view text = invoice) {
  return boost::json::serialize(extracted("[" + std::string(field) + "]", {.text = text}).values.begin()->value());
}

TEST(Fields, are_found_beside_their_labels) {
  EXPECT_EQ(value(R"({"name":"n","label":"Invoice No."})"), R"("INV-0042")");
  EXPECT_EQ(value(R"({"name":"n","label":"date","type":"date"})"), R"("2026-01-31")");
  EXPECT_EQ(value(R"({"name":"n","label":"Paid","type":"boolean"})"), "true");
  EXPECT_EQ(value(R"({"name":"n","label":"Reverse charge","type":"boolean"})"), "false");
  EXPECT_EQ(value(R"({"name":"n","label":"Billing","type":"email"})"), R"("billing@acme.example")");
  EXPECT_EQ(value(R"({"name":"n","label":"Total","type":"integer"})", "Total: 42"), "42");
  EXPECT_EQ(value(R"({"name":"n","label":"Total","type":"number"})", "Total: 42.5 (incl. VAT)"), "4.25E1");
}

TEST(Fields, are_found_below_their_labels) {
  EXPECT_EQ(value(R"({"name":"n","label":"Customer"})", "Customer\n\nJane Doe"), R"("Jane Doe")");
  EXPECT_EQ(value(R"({"name":"n","label":"due date","type":"date"})"), R"("2026-02-28")");
}

TEST(Fields, take_a_label_for_whole_words_only) {
  EXPECT_EQ(value(R"json({"name":"n","label":"Total (EUR)","type":"money"})json"),
            R"({"amount":1.045E3,"currency":"EUR"})");
  EXPECT_EQ(value(R"({"name":"n","label":"total","type":"number"})", "Subtotal 45.00\n"), "null");
}

TEST(Fields, are_found_by_expressions) {
  EXPECT_EQ(value(R"({"name":"n","regex":"INV-\\d+"})"), R"("INV-0042")");
  EXPECT_EQ(value(R"json({"name":"n","regex":"INV-(\\d+)","type":"integer"})json"), "42");
  EXPECT_EQ(value(R"json({"name":"n","regex":"(INV)-(\\d+)","group":2})json"), R"("0042")");
  EXPECT_EQ(value(R"({"name":"n","regex":"^Paid.*$"})"), R"("Paid: yes   Reverse charge: no")");
}

TEST(Fields, that_are_not_there_or_cannot_be_read_are_null) {
  EXPECT_EQ(value(R"({"name":"n","label":"VAT","type":"number"})"), "null");
  EXPECT_EQ(value(R"({"name":"n","label":"Customer","type":"number"})"), "null");
  EXPECT_EQ(value(R"({"name":"n","regex":"ACME","type":"money"})"), "null");
  const auto missing = extracted(
      R"([{"name":"a","label":"VAT","required":true},{"name":"b","label":"Paid","required":true}])", {.text = invoice});
  EXPECT_EQ(missing.missing, std::vector<std::string>{"a"});
}

TEST(Fields, are_found_by_pointers_into_json) {
  const auto data = parsed(R"({"a":{"b/c":["x","1,5",7,null,{"d":1}]},"t":true})");
  const auto found =
      extracted(R"([{"name":"text","pointer":"/a/b~1c/0"},{"name":"number","pointer":"/a/b~1c/1","type":"number"},
      {"name":"same","pointer":"/a/b~1c/2","type":"number"},{"name":"null","pointer":"/a/b~1c/3"},{"name":"object","pointer":"/a/b~1c/4"},
      {"name":"none","pointer":"/a/9"},{"name":"flag","pointer":"/t","type":"boolean"},{"name":"list","pointer":"/a/b~1c","type":"table"}])",
                {.data = &data});
  EXPECT_EQ(
      boost::json::serialize(found.values),
      R"({"text":"x","number":1.5E0,"same":7,"null":null,"object":null,"none":null,"flag":true,"list":["x","1,5",7,null,{"d":1}]})");
}

TEST(Fields, take_numbers_of_json_as_they_are) {
  const auto data = parsed(R"({"a":12.5,"b":3.0,"c":true})");
  const auto found = extracted(R"([{"name":"money","pointer":"/a","type":"money"},{"name":"text","pointer":"/a"},
      {"name":"integer","pointer":"/b","type":"integer"},{"name":"none","pointer":"/a","type":"integer"},{"name":"flag","pointer":"/c"}])",
                               {.data = &data});
  EXPECT_EQ(boost::json::serialize(found.values),
            R"({"money":{"amount":1.25E1,"currency":null},"text":"12.5","integer":3,"none":null,"flag":"true"})");
}

TEST(Fields, are_looked_for_in_lines_of_any_length) {
  std::string line = "Total: none";
  for (int i = 0; i < 400'000; ++i) line += " word";
  EXPECT_EQ(value(R"({"name":"n","label":"Total","type":"number"})", line), "null");
  const std::string long_line(2 << 20, 'x');
  EXPECT_EQ(value(R"({"name":"n","label":"Total","type":"number"})", long_line + " Total: 42"), "4.2E1");
  EXPECT_EQ(value(R"({"name":"n","label":"Total","type":"money"})", "Total: " + std::string(2 << 20, ' ') + "1"),
            "null");
}

TEST(Fields, of_a_text_that_is_not_there_are_null) {
  EXPECT_EQ(value(R"({"name":"n","regex":"x*","page":9})"), "null");
  EXPECT_EQ(value(R"({"name":"n","regex":"x*"})", ""), "null");
}

TEST(Fields, are_tables_under_headings) {
  EXPECT_EQ(value(R"({"name":"n","type":"table","columns":["Item",{"name":"count","heading":"Qty","type":"integer"},
                      {"name":"Amount","type":"number"}]})"),
            R"([{"Item":"Pen","count":2,"Amount":3E0},{"Item":"Paper","count":10,"Amount":4.2E1}])");
}

TEST(Fields, look_at_one_page_where_it_is_named) {
  const Document document{.text = "No: 1\nNo: 2", .pages = {{1, "No: 1"}, {2, "No: 2"}}};
  EXPECT_EQ(
      boost::json::serialize(
          extracted(R"([{"name":"a","label":"No","page":2},{"name":"b","label":"No","page":3}])", document).values),
      R"({"a":"2","b":null})");
}

TEST(Fields, with_mistakes_are_told_before_anything_is_read) {
  const auto mistakes = [](std::string_view text) { return read_fields(parsed(text)).mistakes; };
  EXPECT_TRUE(mistakes(R"json([{"name":"a","regex":"(a)\\1"}])json").at(0).regex);
  EXPECT_EQ(mistakes(R"([{"name":"a"}])").size(), 1u);
  EXPECT_EQ(mistakes(R"([{"name":"a","label":"x","regex":"y"}])").size(), 1u);
  EXPECT_EQ(mistakes(R"([{"name":"a","label":"x"},{"name":"a","label":"y"}])").size(), 1u);
  EXPECT_EQ(mistakes(R"([{"name":"a","regex":"y","group":1}])").size(), 1u);
  EXPECT_EQ(mistakes(R"([{"name":"a","label":"y","type":"table"}])").size(), 1u);
  EXPECT_EQ(mistakes(R"([{"name":"a","pointer":"b"}])").size(), 1u);
}

}  // namespace
}  // namespace toll::workflows::rules
