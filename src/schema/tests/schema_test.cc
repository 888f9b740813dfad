#include "schema/schema.h"

#include <gtest/gtest.h>

namespace toll::schema {
namespace {

json::Value parsed(std::string_view text) {
  return json::parse(text).value();
}

Schema compiled(std::string_view text) {
  auto out = Schema::compile(parsed(text));
  if (!out.schema) throw std::runtime_error(out.problems.front().message);
  return *out.schema;
}

// "path keyword message" of each.
std::vector<std::string> said(const std::vector<Problem>& problems) {
  std::vector<std::string> out;
  for (const auto& problem : problems)
    out.push_back(pointer(problem.path) + " " + problem.keyword + " " + problem.message);
  return out;
}

std::vector<std::string> wrong_with(std::string_view document) {
  return said(Schema::compile(parsed(document)).problems);
}

using Lines = std::vector<std::string>;

TEST(Schema, tells_everything_that_is_wrong_and_where) {
  const auto schema = compiled(R"({"type":"object","required":["invoice_no","total"],
    "properties":{"invoice_no":{"type":"string","minLength":2},"total":{"type":"number","minimum":0},
                  "lines":{"items":{"properties":{"sku":{"pattern":"^[A-Z]+$"}}}}},"additionalProperties":false})");
  EXPECT_EQ(said(schema.check(parsed(R"({"invoice_no":"x","lines":[{},{"sku":"a"}],"extra":1})"))),
            (Lines{"/total required is required", "/invoice_no minLength must have at least 2 characters",
                   "/lines/1/sku pattern must match \"^[A-Z]+$\"", "/extra additionalProperties is not allowed"}));
  EXPECT_TRUE(schema.accepts(parsed(R"({"invoice_no":"42","total":1.5})")));
  EXPECT_EQ(said(schema.check(parsed("[]"))), (Lines{" type must be an object"}));
}

TEST(Schema, that_is_empty_accepts_everything) {
  EXPECT_TRUE(compiled("{}").accepts(parsed("[1,{}]")));
}

TEST(Schema, keeps_no_more_problems_than_were_asked_for) {
  EXPECT_EQ(compiled(R"({"items":{"type":"null"}})").check(parsed("[1,2,3,4]"), 3).size(), 3u);
}

TEST(Schema, that_breaks_the_rules_for_schemas_is_refused_with_all_places) {
  EXPECT_EQ(wrong_with(R"({"type":"txt","properties":{"a":{"minimum":"1"}},"items":[{}]})"),
            (Lines{"/items type must be an object or a boolean", "/properties/a/minimum type must be a number",
                   "/type anyOf must have one of the described forms"}));
  EXPECT_EQ(wrong_with("3"), (Lines{" type must be an object or a boolean"}));
  EXPECT_EQ(wrong_with(R"({"$schema":"http://json-schema.org/draft-07/schema#"})"),
            (Lines{R"(/$schema $schema must be "https://json-schema.org/draft/2020-12/schema")"}));
}

TEST(Schema, refers_to_places_inside_itself_only) {
  EXPECT_TRUE(compiled(R"({"$ref":"#/$defs/a","$defs":{"a":{"type":"null"}}})").accepts(nullptr));
  EXPECT_TRUE(compiled(R"({"$ref":"#/definitions/a","definitions":{"a":{"type":"null"}}})").accepts(nullptr));
  for (auto wrong : {R"({"$ref":"https://example.com/schema"})", R"({"$ref":"#/$defs/none"})",
                     R"({"$ref":"other.json"})", R"({"$ref":"https://json-schema.org/draft/2020-12/schema"})",
                     R"({"$ref":"#/type","type":"null"})", R"({"$ref":"#%zz"})", R"({"$dynamicRef":"#none"})"})
    EXPECT_EQ(Schema::compile(parsed(wrong)).problems.at(0).keyword, "$ref") << wrong;
  // Nobody but the reference says that this is a schema.
  EXPECT_EQ(wrong_with(R"({"$ref":"#/odd","odd":{"required":3}})").size(), 2u);
}

TEST(Schema, that_never_ends_is_refused) {
  for (auto wrong : {R"({"$ref":"#"})", R"({"allOf":[{"$ref":"#"}]})",
                     R"({"$ref":"#/$defs/a","$defs":{"a":{"not":{"$ref":"#/$defs/b"}},"b":{"$ref":"#/$defs/a"}}})"})
    EXPECT_EQ(Schema::compile(parsed(wrong)).problems.at(0).keyword, "$ref") << wrong;
  const auto tree = compiled(R"({"type":"object","properties":{"next":{"$ref":"#"}}})");
  EXPECT_EQ(said(tree.check(parsed(R"({"next":{"next":3}})"))), (Lines{"/next/next type must be an object"}));
}

TEST(Schema, has_bounds) {
  EXPECT_EQ(wrong_with(R"({"const":")" + std::string(65536, 'x') + "\"}"),
            (Lines{" limit must have at most 65536 bytes"}));
  json::Value deep = true;
  for (int i = 0; i < 32; ++i) deep = json::Object{{"not", std::move(deep)}};
  EXPECT_EQ(Schema::compile(deep).problems.at(0).message, "has schemas nested more than 32 deep");
  EXPECT_TRUE(Schema::compile(deep.at("not")).schema);
  std::string many = R"({"allOf":[{})";
  for (int i = 0; i < 1000; ++i) many += ",{}";
  EXPECT_EQ(Schema::compile(parsed(many + "]}")).problems.at(0).message, "has more than 1000 schemas");
}

TEST(Schema, that_multiplies_by_itself_ends) {
  std::string document = R"({"$ref":"#/$defs/a0","$defs":{)";
  for (int i = 0; i < 60; ++i)
    document += "\"a" + std::to_string(i) + R"(":{"allOf":[{"$ref":"#/$defs/a)" + std::to_string(i + 1) +
                R"("},{"$ref":"#/$defs/a)" + std::to_string(i + 1) + "\"}]},";
  const auto problems = compiled(document + R"("a60":{}}})").check(parsed("1"));
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].keyword, "limit");
}

// Steps are counted, not time: each of these would take minutes if its work were not.
TEST(Schema, that_is_much_work_for_each_part_of_a_value_ends) {
  json::Array numbers(200'000, json::Value(7)), empty(100'000, json::Value(json::Object()));
  json::Array choices, names;
  for (int i = 0; i < 5000; ++i) choices.push_back(i + 100), names.push_back(json::Value("n" + std::to_string(i)));
  const auto ends = [](const json::Value& document, const json::Value& value) {
    const auto compiled = Schema::compile(document);
    ASSERT_TRUE(compiled.schema);
    const auto problems = compiled.schema->check(value, 1'000'000);
    ASSERT_FALSE(problems.empty());
    EXPECT_EQ(problems.back().keyword, "limit");
  };
  ends(json::Object{{"items", {{"not", {{"enum", choices}}}}}}, numbers);
  ends(json::Object{{"items", {{"not", {{"required", names}}}}}}, empty);
  std::string twice = R"({"$ref":"#/$defs/a0","$defs":{)";
  for (int i = 0; i < 20; ++i)
    twice += "\"a" + std::to_string(i) + R"(":{"allOf":[{"$ref":"#/$defs/a)" + std::to_string(i + 1) +
             R"("},{"$ref":"#/$defs/a)" + std::to_string(i + 1) + "\"}]},";
  for (auto last : {R"({"minLength":1})", R"({"pattern":"z$"})", R"({"maxLength":9})"})
    ends(parsed(twice + R"("a20":)" + last + "}}"), json::Value(std::string(1 << 20, 'x')));
  ends(parsed(twice + R"("a20":{"uniqueItems":true}}})"), json::Array{std::string(1 << 20, 'x')});
  ends(parsed(twice + R"("a20":{"items":true}}})"), numbers);
}

TEST(Schema, looks_no_further_when_nothing_more_is_wanted) {
  json::Array many(3'000'000, json::Value(1));
  EXPECT_EQ(compiled(R"({"items":{"type":"null"}})").check(many, 3).size(), 3u);
}

TEST(Schema, has_at_most_a_hundred_patterns) {
  json::Object properties;
  for (int i = 0; i < 101; ++i) properties["p" + std::to_string(i)] = json::Object{{"pattern", "a"}};
  EXPECT_EQ(Schema::compile(json::Object{{"properties", properties}}).problems.at(0).keyword, "limit");
  EXPECT_EQ(said(compiled(R"({"patternProperties":{"^a":{}},"additionalProperties":false})")
                     .check(parsed(R"({"ab":1,"b":1})"))),
            (Lines{"/b additionalProperties is not allowed"}));
}

// The corners of 2020-12, for builds without the official suite.
TEST(Schema, knows_2020_12) {
  const auto accepts = [](std::string_view document, std::string_view value) {
    return compiled(document).accepts(parsed(value));
  };
  EXPECT_TRUE(accepts(R"({"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false})", R"({"a":1})"));
  EXPECT_FALSE(accepts(R"({"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false})", R"({"b":1})"));
  EXPECT_TRUE(
      accepts(R"({"prefixItems":[{"type":"null"}],"contains":{"const":2},"unevaluatedItems":false})", "[null,2]"));
  EXPECT_FALSE(accepts(R"({"prefixItems":[{"type":"null"}],"unevaluatedItems":false})", "[null,2]"));
  EXPECT_TRUE(
      accepts(R"({"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}})", R"({"a":1,"b":1})"));
  EXPECT_FALSE(accepts(R"({"if":{"required":["a"]},"then":{"required":["b"]}})", R"({"a":1})"));
  EXPECT_FALSE(accepts(R"({"dependentRequired":{"a":["b"]}})", R"({"a":1})"));
  EXPECT_FALSE(accepts(R"({"dependentSchemas":{"a":{"maxProperties":1}}})", R"({"a":1,"b":1})"));
  EXPECT_FALSE(accepts(R"({"uniqueItems":true})", "[1,1.0]"));
  EXPECT_FALSE(accepts(R"({"contains":{"type":"null"},"maxContains":1})", "[null,null]"));
  EXPECT_TRUE(accepts(R"({"maxLength":1})", "\"\xf0\x9f\x98\x80\""));
  EXPECT_FALSE(accepts(R"({"$ref":"#/$defs/a~1b%25","$defs":{"a/b%":{"type":"null"}}})", "1"));
  EXPECT_FALSE(accepts(R"({"$ref":"x","$defs":{"n":{"$id":"x","$anchor":"y","type":"null"}}})", "1"));
  EXPECT_FALSE(accepts(R"({"$ref":"#y","$defs":{"n":{"$anchor":"y","type":"null"}}})", "1"));
  const auto tree =
      R"({"$id":"https://x/strict","$dynamicAnchor":"node","$ref":"tree","unevaluatedProperties":false,"$defs":{"t":{
      "$id":"tree","$dynamicAnchor":"node","type":"object","properties":{"next":{"$dynamicRef":"#node"}}}}})";
  EXPECT_TRUE(accepts(tree, R"({"next":{"next":{}}})"));
  EXPECT_FALSE(accepts(tree, R"({"next":{"nxt":{}}})"));
}

TEST(Schema, with_a_pattern_that_needs_going_back_is_refused) {
  EXPECT_EQ(Schema::compile(parsed(R"json({"pattern":"(a)\\1"})json")).problems.at(0).keyword, "pattern");
  const auto by_pattern = Schema::compile(parsed(R"json({"patternProperties":{"(?=a)":{}}})json"));
  EXPECT_EQ(pointer(by_pattern.problems.at(0).path), "/patternProperties/(?=a)");
}

TEST(Schema, does_not_judge_formats) {
  EXPECT_TRUE(compiled(R"({"format":"email"})").accepts("nobody"));
}

TEST(Schema, outlives_the_document_it_was_made_of) {
  auto document = std::make_unique<json::Value>(parsed(R"({"enum":["a"],"title":"t"})"));
  const auto schema = *Schema::compile(*document).schema;
  document.reset();
  EXPECT_FALSE(schema.accepts("b"));
  EXPECT_EQ(schema.document().at("title"), "t");
}

TEST(Path, is_written_as_pointer_and_with_dots) {
  const Path path{std::string("a/b"), std::int64_t{0}, std::string("~c")};
  EXPECT_EQ(pointer(path), "/a~1b/0/~0c");
  EXPECT_EQ(dotted(path), "a/b.0.~c");
  EXPECT_EQ(pointer({}), "");
}

}  // namespace
}  // namespace toll::schema
