#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/text.h"
#include "identity/sessions.h"

namespace toll::identity {
namespace {

const std::string secret = "a session secret of some forty bytes, for tests";

std::string signed_token(std::string_view header, std::string_view payload, std::string_view with = secret) {
  const auto part = base64url(header) + "." + base64url(payload);
  return part + "." + base64url(as_text(hmac_sha256(with, part)));
}

class TokenTest : public ::testing::Test {
 protected:
  Reason refusal(std::string_view token) {
    const auto claims = parse_token(token, secret, clock.now());
    return claims ? Reason::internal : claims.error().reason();
  }
  std::string token_with(std::string_view payload) { return signed_token(R"({"alg":"HS256","typ":"JWT"})", payload); }

  TestClock clock{Time(std::chrono::seconds(1'750'000'000))};
};

TEST_F(TokenTest, what_was_made_can_be_read) {
  const Claims claims{AccountId(42), "jti-1", clock.now(), clock.now() + std::chrono::hours(1)};
  const auto read = parse_token(make_token(claims, secret), secret, clock.now()).value();
  EXPECT_EQ(read.account, AccountId(42));
  EXPECT_EQ(read.id, "jti-1");
  EXPECT_EQ(read.expires_at, claims.expires_at);
}

// RFC 7515, appendix A.1: the signature is HS256 as everyone else computes it.
TEST_F(TokenTest, signatures_are_those_of_the_standard) {
  const auto key =
      from_base64url("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  const std::string_view token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19y"
      "b290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  const auto read = parse_token(token, *key, Time(std::chrono::seconds(1'300'000'000)));
  EXPECT_EQ(read.error().cause(), "without sub");
}

TEST_F(TokenTest, an_expired_token_is_refused_from_its_second_on) {
  const auto expires = clock.now() + std::chrono::hours(1);
  const auto token = make_token({AccountId(1), "j", clock.now(), expires}, secret);
  EXPECT_TRUE(parse_token(token, secret, expires - Micros(1)));
  EXPECT_FALSE(parse_token(token, secret, expires));
}

TEST_F(TokenTest, another_signature_or_algorithm_is_refused) {
  const std::string payload = R"({"sub":"1","exp":1750003600})";
  EXPECT_EQ(refusal(signed_token(R"({"alg":"HS256"})", payload)), Reason::internal);
  EXPECT_EQ(refusal(signed_token(R"({"alg":"HS256"})", payload, "another secret of quite enough bytes")),
            Reason::bad_session);
  for (auto header :
       {R"({"alg":"none"})", R"({"alg":"hs256"})", R"({"alg":"HS512"})", R"({"alg":"RS256"})", R"({})", R"([])", "x"})
    EXPECT_EQ(refusal(signed_token(header, payload)), Reason::bad_session) << header;
  EXPECT_EQ(refusal(base64url(R"({"alg":"none"})") + "." + base64url(payload) + "."), Reason::bad_session);
}

TEST_F(TokenTest, exp_is_required_and_whole) {
  for (auto payload : {R"({"sub":"1"})", R"({"sub":"1","exp":"1750003600"})", R"({"sub":"1","exp":1750003600.5})",
                       R"({"sub":"1","exp":-1})", R"({"sub":"1","exp":1e30})", R"({"sub":"1","exp":null})"})
    EXPECT_EQ(refusal(token_with(payload)), Reason::bad_session) << payload;
}

TEST_F(TokenTest, a_subject_that_is_no_integer_has_its_own_reason) {
  for (auto sub : {"abc", "", "1.5", "1 ", "0x1", "99999999999999999999"})
    EXPECT_EQ(refusal(token_with(std::string(R"({"exp":1750003600,"sub":")") + sub + "\"}")),
              Reason::bad_session_subject)
        << sub;
  EXPECT_EQ(refusal(token_with(R"({"exp":1750003600})")), Reason::bad_session);
  EXPECT_EQ(refusal(token_with(R"({"exp":1750003600,"sub":1})")), Reason::bad_session);
}

TEST_F(TokenTest, what_is_no_token_is_refused) {
  for (auto text : {"", ".", "..", "...", "a.b.c", "a.b", "a.b.c.d", "not a token"})
    EXPECT_EQ(refusal(text), Reason::bad_session) << text;
  EXPECT_EQ(refusal(std::string(100'000, 'x')), Reason::bad_session);
}

TEST_F(TokenTest, a_changed_payload_is_refused) {
  const auto token = make_token({AccountId(1), "j", clock.now(), clock.now() + std::chrono::hours(1)}, secret);
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(refusal(changed), Reason::bad_session) << i;
  }
}

}  // namespace
}  // namespace toll::identity
