#include "egress/address.h"

#include <gtest/gtest.h>

namespace toll::egress {
namespace {

bool public_(std::string_view text) {
  return is_public(boost::asio::ip::make_address(std::string(text)));
}

TEST(Address, of_the_internet_is_public) {
  for (auto address : {"8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.128.0.1", "223.255.255.255",
                       "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"})
    EXPECT_TRUE(public_(address)) << address;
}

TEST(Address, that_leads_inside_is_not) {
  for (auto address : {"0.0.0.0",
                       "10.0.0.1",
                       "100.64.0.1",
                       "127.0.0.1",
                       "127.255.255.254",
                       "169.254.169.254",
                       "172.16.0.1",
                       "172.31.255.255",
                       "192.0.0.192",
                       "192.168.1.1",
                       "198.18.0.1",
                       "224.0.0.1",
                       "240.0.0.1",
                       "255.255.255.255",
                       "168.63.129.16",
                       "100.100.100.200",
                       "::",
                       "::1",
                       "fe80::1",
                       "fc00::1",
                       "fd00:ec2::254",
                       "ff02::1",
                       "2001:db8::1",
                       "2001::1",
                       "::127.0.0.1",
                       "64:ff9b:1::1",
                       "100::1",
                       "fec0::1",
                       "3fff::1"})
    EXPECT_FALSE(public_(address)) << address;
}

TEST(Address, hides_no_ipv4_address_in_an_ipv6_one) {
  for (auto address : {"::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
                       "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::1"})
    EXPECT_FALSE(public_(address)) << address;
}

TEST(Network, contains_what_shares_its_first_bits) {
  const auto block = *Network::parse("10.1.128.0/17");
  const auto at = [](const char* text) { return boost::asio::ip::make_address(text); };
  EXPECT_TRUE(block.contains(at("10.1.255.255")));
  EXPECT_TRUE(block.contains(at("::ffff:10.1.128.1")));
  EXPECT_FALSE(block.contains(at("10.1.127.255")));
  EXPECT_FALSE(block.contains(at("fe80::1")));
  EXPECT_TRUE(Network::parse("0.0.0.0/0")->contains(at("8.8.8.8")));
  EXPECT_TRUE(Network::parse("fd00::/8")->contains(at("fdff::1")));
  for (auto wrong : {"", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "::/129", "host", "fe80::1%1"})
    EXPECT_FALSE(Network::parse(wrong)) << wrong;
}

}  // namespace
}  // namespace toll::egress
