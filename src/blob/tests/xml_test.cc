#include "blob/s3/xml.h"

#include <gtest/gtest.h>

namespace toll::blob::s3 {
namespace {

TEST(Xml, finds_elements_by_name) {
  const std::string_view xml =
      "<?xml version='1.0'?><List xmlns=\"x\"><KeyCount>2</KeyCount><Contents><Key>a&amp;b</Key></Contents>"
      "<Contents><Key>c</Key></Contents></List>";
  EXPECT_EQ(element(xml, "Key"), "a&amp;b");
  EXPECT_EQ(element(xml, "KeyCount"), "2");
  EXPECT_TRUE(element(xml, "List"));
  EXPECT_EQ(element(xml, "Error"), std::nullopt);
  ASSERT_EQ(elements(xml, "Contents").size(), 2u);
  EXPECT_EQ(elements(xml, "Contents")[1], "<Key>c</Key>");
}

TEST(Xml, survives_what_is_none) {
  for (auto broken : {"", "<", "<Key", "<Key>", "<Key>a", "</Key>", "<Key/>"}) {
    EXPECT_FALSE(element(broken, "Key")) << broken;
    EXPECT_TRUE(elements(broken, "Key").empty()) << broken;
  }
}

TEST(Xml, resolves_entities_once) {
  EXPECT_EQ(plain("&quot;a&quot; &amp;lt; &lt;&gt;&apos; &x"), "\"a\" &lt; <>' &x");
}

}  // namespace
}  // namespace toll::blob::s3
