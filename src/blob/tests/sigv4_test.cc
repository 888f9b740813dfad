// Against the examples that Amazon publishes, and against what a hostile client may send.
#include "blob/sigv4.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace toll::blob::sigv4 {
namespace {

using namespace std::chrono_literals;

// "Authenticating Requests: Using the Authorization Header" and "... Using Query Parameters", Amazon S3 API reference.
const Credentials s3_example{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
const Time s3_day = *parse_stamp("20130524T000000Z");
const Scope s3{};
// The AWS Signature Version 4 test suite.
const Credentials suite{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
const Time suite_day = *parse_stamp("20150830T123600Z");

std::string sign(const Credentials& who, const Message& message, Time time, const Scope& scope) {
  return signature(signing_key(who.secret_key, time, scope), message, time, scope);
}

TEST(SigV4, derives_the_signing_key_of_the_documentation) {
  EXPECT_EQ(hex(signing_key(suite.secret_key, suite_day, {"us-east-1", "iam"})),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

TEST(SigV4, presigns_the_get_of_the_documentation) {
  EXPECT_EQ(
      presign(
          s3_example, s3,
          {.method = "GET", .origin = "https://examplebucket.s3.amazonaws.com", .path = "/test.txt", .expires = 86400},
          s3_day),
      "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
      "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires="
      "86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
      "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(SigV4, signs_the_header_examples_of_the_documentation) {
  const std::string host = "examplebucket.s3.amazonaws.com", date = "20130524T000000Z";
  auto headers = [&](Pairs more, std::string_view payload) {
    more.insert(more.end(), {{"Host", host}, {"x-amz-date", date}, {"x-amz-content-sha256", std::string(payload)}});
    return more;
  };
  const std::string empty(empty_payload);
  EXPECT_EQ(sign(s3_example, {"GET", "/test.txt", {}, headers({{"Range", "bytes=0-9"}}, empty), empty}, s3_day, s3),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  const std::string body = hex(sha256("Welcome to Amazon S3."));
  EXPECT_EQ(
      sign(s3_example,
           {"PUT",
            "/test$file.text",
            {},
            headers({{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}, body),
            body},
           s3_day, s3),
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  EXPECT_EQ(sign(s3_example, {"GET", "/", {{"lifecycle", ""}}, headers({}, empty), empty}, s3_day, s3),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(sign(s3_example, {"GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}, headers({}, empty), empty}, s3_day, s3),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4, signs_the_plain_get_of_the_test_suite) {
  const Message vanilla{"GET",
                        "/",
                        {},
                        {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
                        std::string(empty_payload)};
  EXPECT_EQ(canonical_request(vanilla),
            "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sign(suite, vanilla, suite_day, {"us-east-1", "service"}),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(SigV4, orders_and_escapes_as_the_documentation_says) {
  EXPECT_EQ(encode_query({{"b", "2"}, {"a", "x y"}, {"a", "+"}, {"A", "~"}, {"a-", ""}}), "A=~&a=%2B&a=x%20y&a-=&b=2");
  EXPECT_EQ(encode_path("/bucket/a b/\xC3\xA4+/%2F//x"), "/bucket/a%20b/%C3%A4%2B/%252F//x");
}

TEST(SigV4, sorts_parameters_by_their_encoded_names) {
  // "a-" sorts before "a=" as text; names must be compared on their own.
  EXPECT_EQ(encode_query({{"ab", "1"}, {"a", "2"}}), "a=2&ab=1");
}

TEST(SigV4, reads_only_the_one_form_of_a_time) {
  EXPECT_EQ(stamp(*parse_stamp("20240229T235959Z")), "20240229T235959Z");
  for (auto wrong : {"", "20130524T000000", "20130524T000000z", "20130230T000000Z", "20131324T000000Z",
                     "20130524T240000Z", "20130524T006000Z", "2013-05-24T00:00Z", "2013052aT000000Z",
                     "-0130524T000000Z", "00000000T000000Z", "20130524 000000Z"})
    EXPECT_FALSE(parse_stamp(wrong)) << wrong;
}

// A URL signed by us, sent to us.
class SignedUrl : public ::testing::Test {
 protected:
  const Credentials us_{"toll", "a secret of the house"};
  const Time now_ = *parse_stamp("20260101T120000Z");
  std::string host_ = "example.com:8080";

  std::string make(Presign what) {
    what.origin = "http://" + host_;
    what.path = what.path.empty() ? "/objects/models/hf/acme/a b.bin" : what.path;
    return presign(us_, s3, what, now_).substr(what.origin.size());
  }
  std::string make() { return make({.query = {{"x-user", "17"}}, .expires = 900}); }
  std::variant<Verified, Refusal> check(std::string_view target, std::string_view method = "GET", Time now = Time(),
                                        Pairs more = {}) {
    const auto mark = target.find('?');
    Incoming in{method, target.substr(0, mark), mark == target.npos ? "" : target.substr(mark + 1),
                [&](std::string_view name) -> std::optional<std::string> {
                  if (name == "host") return host_;
                  for (const auto& [key, value] : more)
                    if (key == name) return value;
                  return std::nullopt;
                }};
    return verify(in, us_, s3, now == Time() ? now_ : now);
  }
  static std::string replaced(std::string text, std::string_view what, std::string_view with) {
    const auto at = text.find(what);
    EXPECT_NE(at, text.npos) << what;
    return text.replace(at, what.size(), with);
  }
  void refuses(std::string_view target, Refusal why, std::string_view method = "GET", Time now = Time()) {
    const auto answer = check(target, method, now);
    ASSERT_TRUE(std::holds_alternative<Refusal>(answer)) << target;
    EXPECT_EQ(to_string(std::get<Refusal>(answer)), to_string(why)) << target;
  }
};

TEST_F(SignedUrl, is_taken_with_its_parameters_and_times) {
  const auto answer = check(make());
  ASSERT_TRUE(std::holds_alternative<Verified>(answer)) << to_string(std::get<Refusal>(answer));
  const auto& ok = std::get<Verified>(answer);
  EXPECT_EQ(ok.path, "/objects/models/hf/acme/a b.bin");
  EXPECT_EQ(ok.find("x-user"), "17");
  EXPECT_EQ(ok.find("X-Amz-Date"), std::nullopt);
  EXPECT_EQ(ok.signed_at, now_);
  EXPECT_EQ(ok.expires_at, now_ + 900s);
}

TEST_F(SignedUrl, is_taken_however_it_is_escaped) {
  const auto url = make();
  EXPECT_TRUE(std::holds_alternative<Verified>(check(replaced(url, "hf/acme", "hf%2facme"))));
  EXPECT_TRUE(std::holds_alternative<Verified>(check(replaced(url, "models", "m%6Fdels"))));
}

TEST_F(SignedUrl, is_taken_with_its_parameters_in_another_order) {
  auto url = make();
  url = replaced(url, "&x-user=17", "");
  EXPECT_TRUE(std::holds_alternative<Verified>(check(replaced(url, "?", "?x-user=17&"))));
}

TEST_F(SignedUrl, is_refused_when_one_character_is_altered) {
  const auto url = make();
  for (std::size_t i = 0; i < url.size(); ++i) {
    auto altered = url;
    altered[i] = altered[i] == 'x' ? 'y' : 'x';
    EXPECT_TRUE(std::holds_alternative<Refusal>(check(altered))) << i << " " << altered;
  }
}

TEST_F(SignedUrl, is_refused_for_another_method_host_or_parameter) {
  const auto url = make();
  refuses(url, Refusal::bad_signature, "PUT");
  refuses(url + "&x-user=18", Refusal::bad_signature);
  refuses(url + "&versionId=1", Refusal::bad_signature);
  refuses(replaced(url, "&x-user=17", ""), Refusal::bad_signature);
  refuses(replaced(url, "Expires=900", "Expires=901"), Refusal::bad_signature);
  host_ = "other.example";
  refuses(url, Refusal::bad_signature);
}

TEST_F(SignedUrl, is_told_apart_by_what_is_wrong) {
  const auto url = make();
  refuses("/objects/models/x", Refusal::not_signed);
  refuses("/objects/models/x?X-Amz-Signature=00", Refusal::malformed);
  refuses(url + "&X-Amz-Expires=900", Refusal::malformed);
  refuses(replaced(url, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), Refusal::malformed);
  refuses(replaced(url, "SignedHeaders=host", "SignedHeaders=date"), Refusal::malformed);
  refuses(replaced(url, "20260101%2F", "20260102%2F"), Refusal::malformed);
  refuses(replaced(url, "toll%2F", "tall%2F"), Refusal::unknown_key);
  refuses(replaced(url, "us-east-1", "us-east-2"), Refusal::other_scope);
  refuses(replaced(url, "%2Fs3%2F", "%2Fsqs%2F"), Refusal::other_scope);
  refuses(url + "%", Refusal::malformed);
}

TEST_F(SignedUrl, lives_from_a_little_before_its_time_to_its_end) {
  const auto url = make();
  EXPECT_TRUE(std::holds_alternative<Verified>(check(url, "GET", now_ + 900s)));
  refuses(url, Refusal::expired, "GET", now_ + 900s + 1us);
  EXPECT_TRUE(std::holds_alternative<Verified>(check(url, "GET", now_ - 15min)));
  refuses(url, Refusal::not_yet_valid, "GET", now_ - 15min - 1us);
}

TEST_F(SignedUrl, lives_a_week_at_most) {
  EXPECT_TRUE(std::holds_alternative<Verified>(check(make({.expires = longest_life}))));
  refuses(make({.expires = longest_life + 1}), Refusal::bad_expires);
  refuses(make({.expires = 0}), Refusal::bad_expires);
  refuses(make({.expires = -5}), Refusal::bad_expires);
}

TEST_F(SignedUrl, says_nothing_of_time_to_who_cannot_sign) {
  auto url = make();
  url.back() = url.back() == '0' ? '1' : '0';
  refuses(url, Refusal::bad_signature, "GET", now_ + 24h);
}

TEST_F(SignedUrl, binds_the_fields_that_it_names) {
  const auto url = make({.method = "PUT", .headers = {{"content-type", "text/plain"}}, .expires = 60});
  EXPECT_TRUE(std::holds_alternative<Verified>(check(url, "PUT", now_, {{"content-type", " text/plain "}})));
  EXPECT_TRUE(std::holds_alternative<Refusal>(check(url, "PUT", now_, {{"content-type", "text/html"}})));
  EXPECT_TRUE(std::holds_alternative<Refusal>(check(url, "PUT", now_)));
}

TEST_F(SignedUrl, signs_the_same_with_a_key_derived_before) {
  Presign what{.query = {{"x-user", "17"}}, .expires = 900};
  what.key = signing_key(us_.secret_key, now_, s3);
  EXPECT_EQ(make(what), make());
}

}  // namespace
}  // namespace toll::blob::sigv4
