#include "identity/names.h"

#include <gtest/gtest.h>

namespace toll::identity {
namespace {

TEST(Email, usual_addresses_are_taken) {
  for (auto email : {"ada@example.org", "a.b+tag@sub.example.co.uk", "o'brien@example.ie", "x@1and1.com",
                     "ada@bücher.example", "用户@例子.广告", "A_B-C@EXAMPLE.ORG"})
    EXPECT_EQ(email_problem(email), std::nullopt) << email;
}

TEST(Email, what_is_no_address_is_refused_with_a_sentence) {
  for (auto email : {"",
                     "ada",
                     "@example.org",
                     "ada@",
                     "ada@example",
                     "a@b@example.org",
                     ".ada@example.org",
                     "ada.@example.org",
                     "a..b@example.org",
                     "ada@.example.org",
                     "ada@example.org.",
                     "ada@ex ample.org",
                     "a da@example.org",
                     "ada@-example.org",
                     "ada@example-.org",
                     "ada@example..org",
                     "ada@127.0.0.1",
                     "\"ada\"@example.org",
                     "ada@example.org\n",
                     "<script>@example.org",
                     "ada@exa_mple.org",
                     "ada@example.org\x01",
                     "\xff@example.org"}) {
    const auto problem = email_problem(email);
    ASSERT_TRUE(problem) << email;
    EXPECT_EQ(problem->back(), '.') << *problem;
  }
}

TEST(Email, has_at_most_254_bytes) {
  const std::string domain =
      "@" + std::string(60, 'd') + "." + std::string(60, 'd') + "." + std::string(60, 'd') + ".org";
  const std::string fits = std::string(254 - domain.size(), 'a').substr(0, 64) + domain;
  EXPECT_EQ(email_problem(fits), std::nullopt);
  const std::string long_domain = "@" + std::string(60, 'd') + "." + std::string(60, 'd') + "." + std::string(60, 'd') +
                                  "." + std::string(60, 'd') + ".org";
  EXPECT_TRUE(email_problem("aaaaaaaa" + long_domain));
}

TEST(Username, is_two_to_64_characters_when_trimmed) {
  EXPECT_EQ(username_problem("ab"), std::nullopt);
  EXPECT_EQ(username_problem("  ab  "), std::nullopt);
  EXPECT_EQ(username_problem("日本"), std::nullopt);
  EXPECT_TRUE(username_problem(" a "));
  EXPECT_TRUE(username_problem(""));
  EXPECT_EQ(username_problem(std::string(64, 'x')), std::nullopt);
  EXPECT_TRUE(username_problem(std::string(65, 'x')));
  EXPECT_TRUE(username_problem("a\nb"));
  EXPECT_TRUE(username_problem("a\xff"));
}

TEST(Fold, makes_names_equal_that_differ_in_case_alone) {
  EXPECT_EQ(fold("Ada@Example.ORG"), "ada@example.org");
  EXPECT_EQ(fold("JÜRGEN"), fold("jürgen"));
  EXPECT_EQ(fold("ΣΊΣΥΦΟΣ"), fold("σίσυφος"));
  EXPECT_EQ(fold("ПРИВЕТ"), "привет");
  EXPECT_EQ(fold("日本🎵"), "日本🎵");
  EXPECT_NE(fold("ab"), fold("ac"));
}

TEST(Uuid, is_recognised_before_the_database_is_asked) {
  EXPECT_TRUE(is_uuid("0b0e7e2c-93b2-4f0e-9d0a-2f6a6a1f9b11"));
  EXPECT_FALSE(is_uuid("0B0E7E2C-93B2-4F0E-9D0A-2F6A6A1F9B11"));
  EXPECT_FALSE(is_uuid("0b0e7e2c-93b2-4f0e-9d0a-2f6a6a1f9b1"));
  EXPECT_FALSE(is_uuid("0b0e7e2c093b2-4f0e-9d0a-2f6a6a1f9b11"));
  EXPECT_FALSE(is_uuid(""));
}

}  // namespace
}  // namespace toll::identity
