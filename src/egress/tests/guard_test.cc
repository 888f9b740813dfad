#include "egress/guard.h"

#include <gtest/gtest.h>

namespace toll::egress {
namespace {

using namespace std::chrono_literals;

// A resolver that always gives these.
Lookup giving(std::vector<std::string> texts) {
  return [texts](const std::string&, std::chrono::milliseconds, std::stop_token) -> Result<std::vector<Address>> {
    std::vector<Address> out;
    for (const auto& text : texts) out.push_back(boost::asio::ip::make_address(text));
    return out;
  };
}

bool allows(const Guard& guard, const std::string& host, std::uint16_t port = 443) {
  auto found = guard.addresses(host, port, 1s);
  EXPECT_TRUE(found || found.error().reason() == Reason::egress_forbidden);
  return found.has_value();
}

TEST(Guard, lets_no_name_through_that_has_one_address_inside) {
  EXPECT_TRUE(allows(Guard({}, giving({"8.8.8.8", "2606:4700::1111"})), "example.com"));
  EXPECT_FALSE(allows(Guard({}, giving({"8.8.8.8", "10.0.0.1"})), "example.com"));
  EXPECT_FALSE(allows(Guard({}, giving({"::ffff:10.0.0.1"})), "example.com"));
}

TEST(Guard, looks_up_every_spelling_of_a_number_as_what_it_is) {
  const Guard guard({});
  for (auto host : {"127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"})
    EXPECT_FALSE(allows(guard, host)) << host;
}

TEST(Guard, excepts_what_the_operator_lists_and_no_more) {
  const auto inside = giving({"10.0.0.7"});
  EXPECT_TRUE(allows(Guard({"10.0.0.0/24"}, inside), "any.example"));
  EXPECT_FALSE(allows(Guard({"10.0.1.0/24"}, inside), "any.example"));
  EXPECT_TRUE(allows(Guard({"10.0.0.7:9000"}, inside), "any.example", 9000));
  EXPECT_FALSE(allows(Guard({"10.0.0.7:9000"}, inside), "any.example", 9001));
  EXPECT_TRUE(allows(Guard({"LLM.internal:8000"}, inside), "llm.Internal.", 8000));
  EXPECT_FALSE(allows(Guard({"llm.internal:8000"}, inside), "llm.internal", 80));
  EXPECT_TRUE(allows(Guard({"*.internal"}, inside), "a.internal"));
  EXPECT_FALSE(allows(Guard({"*.internal"}, inside), "internal"));
  EXPECT_FALSE(allows(Guard({"*.internal"}, inside), "evilinternal"));
  EXPECT_TRUE(allows(Guard({"[::1]:9"}, giving({"::1"})), "any.example", 9));
}

TEST(Guard, tells_nothing_about_the_address_it_refuses) {
  auto refused = Guard({}, giving({"10.11.12.13"})).addresses("secret.example", 443, 1s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail().find("10.11"), std::string::npos);
  EXPECT_NE(refused.error().cause().find("10.11.12.13"), std::string::npos);
}

TEST(Guard, refuses_literal_addresses_before_they_are_called) {
  const Guard guard({"127.0.0.1:8000", "localhost:8001"});
  for (auto url :
       {"https://example.com/x?y#z", "http://8.8.8.8:8080/", "http://127.0.0.1:8000/", "http://localhost:8001"})
    EXPECT_TRUE(guard.may_name(url)) << url;
  for (auto url : {"http://127.0.0.1/",
                   "http://2130706433/",
                   "http://0x7f.1/",
                   "http://0177.0.0.1/",
                   "http://[::1]/",
                   "http://[::ffff:127.0.0.1]/",
                   "http://[fe80::1%25eth0]/",
                   "http://localhost/",
                   "http://a.localhost./",
                   "http://169.254.169.254/latest",
                   "ftp://example.com/",
                   "file:///etc/passwd",
                   "http://user@example.com/",
                   "http://user:pass@example.com/",
                   "http://",
                   "example.com",
                   "",
                   "http://ex ample.com/",
                   "http://example.com:0/",
                   "http://example.com:99999/",
                   "http://example.com\\@127.0.0.1/",
                   "http://ex\xc3\xa4mple.com/",
                   "gopher://example.com"})
    EXPECT_FALSE(guard.may_name(url)) << url;
}

TEST(Guard, refuses_exceptions_it_cannot_read) {
  for (auto wrong : {"", "10.0.0.0/99", "a b", "http://x", "host:0", "host:70000", "*.", "[::1"}) {
    EXPECT_THROW(Guard({wrong}), std::invalid_argument) << wrong;
  }
}

}  // namespace
}  // namespace toll::egress
