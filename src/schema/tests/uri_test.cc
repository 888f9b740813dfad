#include "schema/uri.h"

#include <gtest/gtest.h>

namespace toll::schema {
namespace {

// RFC 3986, 5.4.1 and 5.4.2.
TEST(Uri, resolves_the_examples_of_the_rfc) {
  const auto base = "http://a/b/c/d;p?q";
  for (const auto& [reference, expected] : {std::pair{"g:h", "g:h"},
                                            {"g", "http://a/b/c/g"},
                                            {"./g", "http://a/b/c/g"},
                                            {"g/", "http://a/b/c/g/"},
                                            {"/g", "http://a/g"},
                                            {"//g", "http://g"},
                                            {"?y", "http://a/b/c/d;p?y"},
                                            {"g?y", "http://a/b/c/g?y"},
                                            {"#s", "http://a/b/c/d;p?q#s"},
                                            {"g;x?y#s", "http://a/b/c/g;x?y#s"},
                                            {"", "http://a/b/c/d;p?q"},
                                            {".", "http://a/b/c/"},
                                            {"..", "http://a/b/"},
                                            {"../g", "http://a/b/g"},
                                            {"../../g", "http://a/g"},
                                            {"../../../g", "http://a/g"},
                                            {"/../g", "http://a/g"},
                                            {"g.", "http://a/b/c/g."},
                                            {"./../g", "http://a/b/g"},
                                            {"g/../h", "http://a/b/c/h"},
                                            {"g?y/../x", "http://a/b/c/g?y/../x"}})
    EXPECT_EQ(resolve(base, reference), expected) << reference;
}

TEST(Uri, resolves_against_nothing_and_against_names) {
  EXPECT_EQ(resolve("", "#/a"), "#/a");
  EXPECT_EQ(resolve("urn:x:y", "#a"), "urn:x:y#a");
  EXPECT_EQ(resolve("http://a", "b"), "http://a/b");
}

}  // namespace
}  // namespace toll::schema
