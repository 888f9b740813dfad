#include "identity/passwords.h"

#include <gtest/gtest.h>

namespace toll::identity {
namespace {

TEST(Passwords, only_the_right_one_opens) {
  const Passwords passwords(Passwords::cheap_for_tests());
  const auto hash = passwords.hash("correct horse");
  EXPECT_TRUE(hash.starts_with("$argon2id$")) << hash;
  EXPECT_TRUE(passwords.verify(hash, "correct horse"));
  EXPECT_FALSE(passwords.verify(hash, "correct hors"));
  EXPECT_FALSE(passwords.verify(hash, ""));
  EXPECT_FALSE(passwords.verify("", "correct horse"));
  EXPECT_FALSE(passwords.verify("plain text", "plain text"));
}

TEST(Passwords, equal_passwords_have_different_hashes) {
  const Passwords passwords(Passwords::cheap_for_tests());
  EXPECT_NE(passwords.hash("same"), passwords.hash("same"));
}

TEST(Passwords, every_byte_counts) {
  const Passwords passwords(Passwords::cheap_for_tests());
  const std::string with_nul("secret\0one", 10);
  EXPECT_FALSE(passwords.verify(passwords.hash(with_nul), std::string("secret\0two", 10)));
}

TEST(Passwords, a_hash_of_another_cost_is_outdated_but_valid) {
  const Passwords cheap(Passwords::cheap_for_tests());
  const Passwords dearer({2, 16384});
  const auto hash = cheap.hash("secret");
  EXPECT_FALSE(cheap.outdated(hash));
  EXPECT_TRUE(dearer.outdated(hash));
  EXPECT_TRUE(dearer.verify(hash, "secret"));
}

TEST(Passwords, have_six_to_1024_characters) {
  EXPECT_TRUE(password_problem("12345"));
  EXPECT_FALSE(password_problem("123456"));
  EXPECT_FALSE(password_problem("日本日本日本"));
  EXPECT_FALSE(password_problem(std::string(1024, 'x')));
  EXPECT_TRUE(password_problem(std::string(1025, 'x')));
}

}  // namespace
}  // namespace toll::identity
