#include "objects/signed_urls.h"

#include <gtest/gtest.h>

namespace toll::objects {
namespace {

using namespace std::chrono_literals;

class SignedUrlsTest : public ::testing::Test {
 protected:
  SignedUrls::Settings settings() { return {.credentials = {"toll", "the secret of the store"}}; }
  Slot slot() {
    Slot slot;
    slot.id = SlotId("5d3f");
    slot.account = AccountId(17);
    slot.key = "hf/acme/bert/versions/v1/onnx/a b.bin";
    slot.parts = 3;
    return slot;
  }
  // As it comes in over the wire.
  Result<Permit> ask(const SignedUrls& urls, std::string_view url, std::string_view method,
                     std::string host = "example.com") {
    const auto target = url.substr(url.find('/', 8));
    const auto mark = target.find('?');
    return urls.check({method, target.substr(0, mark), target.substr(mark + 1),
                       [&](std::string_view name) -> std::optional<std::string> {
                         if (name == "host") return host;
                         return std::nullopt;
                       }});
  }
  Reason why(const Result<Permit>& refused) { return refused ? Reason::internal : refused.error().reason(); }

  TestClock clock;
  const SignedUrls urls{settings(), clock};
};

TEST_F(SignedUrlsTest, a_url_to_read_leads_to_its_key_for_who_got_it) {
  const auto url = urls.read("https://example.com", "hf/acme/bert/model.bin", AccountId(42), 900s);
  EXPECT_TRUE(url.starts_with("https://example.com/objects/models/hf/acme/bert/model.bin?X-Amz-Algorithm=")) << url;
  EXPECT_NE(url.find("X-Amz-Expires=900"), url.npos);
  EXPECT_NE(url.find("X-Amz-SignedHeaders=host"), url.npos);
  const auto permit = ask(urls, url, "GET").value();
  EXPECT_EQ(permit.key, "hf/acme/bert/model.bin");
  EXPECT_EQ(permit.bearer, AccountId(42));
  EXPECT_FALSE(permit.slot);
  EXPECT_EQ(permit.expires_at, clock.now() + 900s);
  EXPECT_TRUE(ask(urls, url, "HEAD"));
  EXPECT_EQ(why(ask(urls, url, "PUT")), Reason::bad_signature);
  EXPECT_EQ(why(ask(urls, url, "DELETE")), Reason::bad_signature);
}

TEST_F(SignedUrlsTest, a_url_to_write_names_its_slot) {
  const auto permit = ask(urls, urls.write("https://example.com", slot(), 60s), "PUT").value();
  EXPECT_EQ(permit.key, slot().key);
  EXPECT_EQ(permit.slot, SlotId("5d3f"));
  EXPECT_FALSE(permit.part);
  const auto part = ask(urls, urls.write_part("https://example.com", slot(), 2, 60s), "PUT").value();
  EXPECT_EQ(part.slot, SlotId("5d3f"));
  EXPECT_EQ(part.part, 2);
  EXPECT_EQ(why(ask(urls, urls.write("https://example.com", slot(), 60s), "GET")), Reason::bad_signature);
}

TEST_F(SignedUrlsTest, a_url_ends) {
  const auto url = urls.read("https://example.com", "hf/x", AccountId(1), 60s);
  clock.advance(61s);
  const auto late = ask(urls, url, "GET");
  EXPECT_EQ(why(late), Reason::url_not_valid);
  EXPECT_EQ(late.error().argument("why"), "Request has expired");
}

TEST_F(SignedUrlsTest, days_have_their_own_keys) {
  for (int day = 0; day < 3; ++day) {
    EXPECT_TRUE(ask(urls, urls.read("https://example.com", "hf/x", AccountId(1), 60s), "GET"));
    clock.advance(24h);
  }
}

TEST_F(SignedUrlsTest, other_stores_and_buckets_are_not_ours) {
  auto other = settings();
  other.credentials.secret_key = "another";
  EXPECT_EQ(why(ask(urls, SignedUrls(other, clock).read("https://example.com", "hf/x", AccountId(1), 60s), "GET")),
            Reason::bad_signature);
  other = settings();
  other.bucket = "elsewhere";
  EXPECT_EQ(why(ask(urls, SignedUrls(other, clock).read("https://example.com", "hf/x", AccountId(1), 60s), "GET")),
            Reason::object_not_found);
}

TEST_F(SignedUrlsTest, a_proxy_may_write_another_host_when_the_public_one_is_known) {
  const auto url = urls.read("https://example.com", "hf/x", AccountId(1), 60s);
  EXPECT_EQ(why(ask(urls, url, "GET", "127.0.0.1:8080")), Reason::bad_signature);
  auto behind = settings();
  behind.public_host = "example.com";
  const SignedUrls proxied(behind, clock);
  EXPECT_TRUE(ask(proxied, url, "GET", "127.0.0.1:8080"));
  EXPECT_TRUE(ask(proxied, url, "HEAD", "127.0.0.1:8080"));
  EXPECT_TRUE(ask(proxied, url, "GET"));
}

TEST_F(SignedUrlsTest, a_url_that_was_signed_elsewhere_with_our_keys_names_nobody) {
  const auto url = blob::sigv4::presign({"toll", "the secret of the store"}, {"eu-west-1"},
                                        {.origin = "http://example.com",
                                         .path = "/objects/models/hf/x",
                                         .query = {{"response-content-type", "text/plain"}},
                                         .expires = 60},
                                        clock.now());
  const auto permit = ask(urls, url, "GET").value();
  EXPECT_FALSE(permit.bearer);
  EXPECT_EQ(permit.content_type, "text/plain");
}

}  // namespace
}  // namespace toll::objects
