#include "identity/address_rules.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace toll::identity {
namespace {

AddressRules rules(std::vector<std::string> texts) {
  return AddressRules(texts);
}
bool allowed(const AddressRules& rules, std::string_view address) {
  return rules.allows(parse_address(address).value());
}

TEST(AddressRules, allow_addresses_and_blocks_of_both_kinds) {
  const auto some = rules({"203.0.113.7", "10.0.0.0/8", "2001:db8::/32", "::1"});
  for (auto inside : {"203.0.113.7", "10.0.0.0", "10.255.255.255", "2001:db8:ffff::1", "::1"})
    EXPECT_TRUE(allowed(some, inside)) << inside;
  for (auto outside : {"203.0.113.8", "11.0.0.0", "9.255.255.255", "2001:db9::", "::2", "127.0.0.1"})
    EXPECT_FALSE(allowed(some, outside)) << outside;
  EXPECT_FALSE(allowed(AddressRules(), "10.0.0.1"));
}

TEST(AddressRules, compare_mapped_ipv6_as_ipv4) {
  EXPECT_TRUE(allowed(rules({"203.0.113.7"}), "::ffff:203.0.113.7"));
  EXPECT_TRUE(allowed(rules({"::ffff:203.0.113.0/120"}), "203.0.113.200"));
  EXPECT_FALSE(allowed(rules({"::ffff:203.0.113.0/120"}), "203.0.114.0"));
}

// Who allows all of IPv6 has said nothing about IPv4.
TEST(AddressRules, a_block_of_ipv6_allows_no_ipv4) {
  EXPECT_TRUE(allowed(rules({"::/0"}), "2001:db8::1"));
  EXPECT_FALSE(allowed(rules({"::/0"}), "10.0.0.1"));
  EXPECT_TRUE(allowed(rules({"0.0.0.0/0"}), "10.0.0.1"));
  EXPECT_FALSE(allowed(rules({"0.0.0.0/0"}), "2001:db8::1"));
}

TEST(AddressRules, say_what_is_wrong_with_a_text) {
  for (auto good : {"1.2.3.4", "1.2.3.4/32", "0.0.0.0/0", "1.2.3.0/24", "::", "::/0", "2001:DB8::/32", "fe80::1/128"})
    EXPECT_FALSE(address_rule_problem(good)) << good;
  EXPECT_EQ(address_rule_problem("192.168.1.1/24"), "has bits set behind its /24");
  EXPECT_EQ(address_rule_problem("2001:db8::1/32"), "has bits set behind its /32");
  EXPECT_EQ(address_rule_problem("1.2.3.4/33"), "must have a prefix length of 0 to 32");
  for (auto bad :
       {"", " ", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/+8", "1.2.3.4/08",
        "1.2.3.4/8/8", "::1/129", "fe80::1%eth0", "example.org", "1.2.3.4 ", "1.2.3.4/ 8", "0x7f.1", "2130706433"})
    EXPECT_TRUE(address_rule_problem(bad)) << bad;
  EXPECT_THROW(rules({"10.0.0.1/8"}), std::invalid_argument);
}

// Bit by bit, against the definition.
TEST(AddressRules, agree_with_a_comparison_of_bits) {
  TestRandom random;
  for (int i = 0; i < 20'000; ++i) {
    std::array<std::byte, 9> bytes;
    random.fill(bytes);
    auto octet = [&](std::size_t at) { return std::to_integer<std::uint32_t>(bytes[at]); };
    const int prefix = static_cast<int>(octet(8) % 33);
    const std::uint32_t mask = prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
    const std::uint32_t base = (octet(0) << 24 | octet(1) << 16 | octet(2) << 8 | octet(3)) & mask;
    // Near the block as often as anywhere.
    const std::uint32_t any = octet(4) << 24 | octet(5) << 16 | octet(6) << 8 | octet(7);
    const std::uint32_t tried = i % 2 ? any : base ^ (1u << (any % 32));
    auto text = [](std::uint32_t v) {
      return std::to_string(v >> 24) + "." + std::to_string(v >> 16 & 255) + "." + std::to_string(v >> 8 & 255) + "." +
             std::to_string(v & 255);
    };
    const auto rule = text(base) + "/" + std::to_string(prefix);
    EXPECT_EQ(allowed(rules({rule}), text(tried)), (tried & mask) == base) << rule << " " << text(tried);
  }
}

TEST(AddressRules, addresses_are_written_in_their_shortest_form) {
  EXPECT_EQ(to_text(*parse_address("2001:DB8:0:0:0:0:0:1")), "2001:db8::1");
  EXPECT_EQ(to_text(*parse_address("::ffff:10.1.2.3")), "10.1.2.3");
  EXPECT_EQ(to_text(*parse_address("fe80::1%eth0")), "fe80::1");
  EXPECT_FALSE(parse_address("/run/socket"));
}

std::string client(std::string_view peer, std::vector<std::string_view> lines, std::vector<std::string> proxies) {
  const auto address = client_address(peer, lines, AddressRules(proxies));
  return address ? to_text(*address) : "none";
}

TEST(ClientAddress, is_the_peer_unless_a_proxy_of_ours_reports_another) {
  EXPECT_EQ(client("198.51.100.1", {"10.9.9.9"}, {}), "198.51.100.1") << "nobody is trusted";
  EXPECT_EQ(client("198.51.100.1", {"10.9.9.9"}, {"10.0.0.0/8"}), "198.51.100.1") << "the peer is no proxy";
  EXPECT_EQ(client("10.0.0.1", {"198.51.100.1"}, {"10.0.0.0/8"}), "198.51.100.1");
  EXPECT_EQ(client("10.0.0.1", {}, {"10.0.0.0/8"}), "10.0.0.1");
  EXPECT_EQ(client("", {"198.51.100.1"}, {"10.0.0.0/8"}), "none") << "a Unix socket";
}

// What a client puts in front of the list is never reached.
TEST(ClientAddress, a_client_can_put_nothing_in_front) {
  EXPECT_EQ(client("10.0.0.1", {"203.0.113.7, 198.51.100.1"}, {"10.0.0.0/8"}), "198.51.100.1");
  EXPECT_EQ(client("10.0.0.1", {"203.0.113.7", "198.51.100.1"}, {"10.0.0.0/8"}), "198.51.100.1")
      << "as a line of its own";
  EXPECT_EQ(client("10.0.0.1", {"203.0.113.7, 198.51.100.1, 10.0.0.2"}, {"10.0.0.0/8"}), "198.51.100.1")
      << "through two proxies";
  EXPECT_EQ(client("10.0.0.1", {"10.0.0.9"}, {"10.0.0.0/8"}), "10.0.0.9") << "all of them are ours";
}

TEST(ClientAddress, an_entry_that_is_no_address_ends_the_walk) {
  for (std::string_view garbage : {"unknown", "_hidden", "", "1.2.3.4.5", "999.1.1.1", "\"", "[::1", "198.51.100.1,"})
    EXPECT_EQ(client("10.0.0.1", {garbage}, {"10.0.0.0/8"}), garbage == "[::1" ? "::1" : "10.0.0.1") << garbage;
  EXPECT_EQ(client("10.0.0.1", {"203.0.113.7, junk"}, {"10.0.0.0/8"}), "10.0.0.1");
}

TEST(ClientAddress, ports_of_reported_addresses_do_not_matter) {
  EXPECT_EQ(client("10.0.0.1", {"198.51.100.1:4711"}, {"10.0.0.0/8"}), "198.51.100.1");
  EXPECT_EQ(client("10.0.0.1", {"[2001:db8::1]:4711"}, {"10.0.0.0/8"}), "2001:db8::1");
  EXPECT_EQ(client("::ffff:10.0.0.1", {"2001:db8::1"}, {"10.0.0.0/8"}), "2001:db8::1");
}

}  // namespace
}  // namespace toll::identity
