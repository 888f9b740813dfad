#include "workflows/templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace toll::workflows {
namespace {

json::Object parsed(std::string_view text) {
  return json::parse(text).value().get_object();
}

// What {{a...}} and {{list...}} lead to.
Scope scope(const json::Value& values) {
  Scope out;
  out.find = [&values](const Reference& reference) -> std::optional<json::Value> {
    const auto* found = walk(values, reference, 0);
    return found ? std::optional(*found) : std::nullopt;
  };
  return out;
}

json::Value filled(std::string_view text, const json::Value& values) {
  const auto expanded = expand({{"x", text}}, scope(values));
  const auto* out = std::get_if<json::Object>(&expanded);
  return out ? out->at("x") : json::Value("FAILED: " + std::get<std::string>(expanded));
}

TEST(Templates, one_template_alone_keeps_the_type_of_its_value) {
  const auto values = json::Value(parsed(R"({"a":{"n":3,"t":true,"z":null,"list":[10,{"y":20}]}})"));
  EXPECT_EQ(filled("{{a.n}}", values), 3);
  EXPECT_EQ(filled("{{ a.t }}", values), true);
  EXPECT_EQ(filled("{{a.z}}", values), nullptr);
  EXPECT_EQ(filled("{{a.list.1.y}}", values), 20);
  EXPECT_EQ(filled("{{a.list}}", values), json::parse(R"([10,{"y":20}])").value());
}

TEST(Templates, in_a_longer_text_values_become_text) {
  const auto values = json::Value(parsed(R"({"a":"x","n":3,"o":{"k":1}})"));
  EXPECT_EQ(filled("{{a}}-{{n}}-{{o}}", values), "x-3-{\"k\":1}");
}

TEST(Templates, a_value_is_never_looked_at_for_templates) {
  const auto values = json::Value(parsed(R"({"a":"{{b}}","b":"secret"})"));
  EXPECT_EQ(filled("{{a}}", values), "{{b}}");
  EXPECT_EQ(filled("<{{a}}>", values), "<{{b}}>");
}

TEST(Templates, what_is_no_path_is_text) {
  const json::Value values = json::Object{};
  for (const auto* text :
       {"{{", "}}", "{{}}", "{{ }}", "{{a b}}", "{{a.}}", "{{.a}}", "{\"a\":{\"b\":1}}", "{{{{", "{ {a} }"})
    EXPECT_EQ(filled(text, values), text);
}

TEST(Templates, what_leads_nowhere_is_named) {
  EXPECT_EQ(filled("{{a.b}}", json::Object{{"a", json::Object{}}}), "FAILED: There is nothing at {{a.b}}.");
  EXPECT_EQ(filled("{{a.9}}", json::Object{{"a", json::Array{1}}}), "FAILED: There is nothing at {{a.9}}.");
}

TEST(Templates, many_braces_take_no_time) {
  EXPECT_EQ(parse_template(std::string(200'000, '{')).size(), 1u);
}

}  // namespace
}  // namespace toll::workflows
