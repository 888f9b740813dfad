#include "egress/address.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.h"

namespace toll::egress {

namespace {

namespace ip = boost::asio::ip;

std::vector<std::uint8_t> bytes_of(const Address& address) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return {bytes.begin(), bytes.end()};
  }
  const auto bytes = address.to_v6().to_bytes();
  return {bytes.begin(), bytes.end()};
}

ip::address_v4 embedded(const ip::address_v6& address, std::size_t at) {
  const auto bytes = address.to_bytes();
  return ip::address_v4({bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]});
}

std::vector<Network> networks(std::initializer_list<std::string_view> blocks) {
  std::vector<Network> out;
  for (const auto block : blocks) out.push_back(Network::parse(block).value());
  return out;
}

bool in_any(const std::vector<Network>& blocks, const Address& address) {
  return std::any_of(blocks.begin(), blocks.end(), [&](const Network& block) { return block.contains(address); });
}

bool is_public_v4(const ip::address_v4& address) {
  static const auto special = networks({
      "0.0.0.0/8",        // this network
      "10.0.0.0/8",       // private
      "100.64.0.0/10",    // shared
      "127.0.0.0/8",      // loopback
      "168.63.129.16",    // a cloud's metadata, in public space
      "169.254.0.0/16",   // link-local, and the clouds' metadata
      "172.16.0.0/12",    // private
      "192.0.0.0/24",     // protocol assignments, and a cloud's metadata
      "192.0.2.0/24",     // documentation
      "192.31.196.0/24",  // AS112
      "192.52.193.0/24",  // automatic multicast tunnels
      "192.88.99.0/24",   // 6to4 relays
      "192.168.0.0/16",   // private
      "192.175.48.0/24",  // AS112
      "198.18.0.0/15",    // measurements
      "198.51.100.0/24",  // documentation
      "203.0.113.0/24",   // documentation
      "224.0.0.0/4",      // multicast
      "240.0.0.0/4",      // reserved, broadcast
  });
  return !in_any(special, address);
}

bool is_public_v6(const ip::address_v6& address) {
  static const auto nat64 = *Network::parse("64:ff9b::/96");
  static const auto six_to_four = *Network::parse("2002::/16");
  static const auto global = *Network::parse("2000::/3");
  static const auto special = networks({
      "2001::/23",      // protocol assignments, Teredo among them
      "2001:db8::/32",  // documentation
      "3fff::/20",      // documentation
  });
  if (address.is_v4_mapped()) return is_public_v4(embedded(address, 12));
  if (nat64.contains(address)) return is_public_v4(embedded(address, 12));
  if (six_to_four.contains(address)) return is_public_v4(embedded(address, 2));
  return global.contains(address) && !in_any(special, address);
}

}  // namespace

bool is_public(const Address& address) {
  return address.is_v4() ? is_public_v4(address.to_v4()) : is_public_v6(address.to_v6());
}

Address unmapped(const Address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return embedded(address.to_v6(), 12);
  return address;
}

std::optional<Network> Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  boost::system::error_code error;
  const auto address = ip::make_address(std::string(text.substr(0, slash)), error);
  if (error || (address.is_v6() && address.to_v6().scope_id() != 0)) return std::nullopt;
  const int longest = address.is_v4() ? 32 : 128;
  if (slash == text.npos) return Network{address, longest};
  const auto bits = parse_int(text.substr(slash + 1));
  if (!bits || *bits < 0 || *bits > longest) return std::nullopt;
  return Network{address, static_cast<int>(*bits)};
}

bool Network::contains(const Address& other) const {
  const auto mine = bytes_of(first), theirs = bytes_of(first.is_v4() ? unmapped(other) : other);
  if (mine.size() != theirs.size()) return false;
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (!std::equal(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(whole), theirs.begin())) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - bits % 8));
  return (mine[whole] & mask) == (theirs[whole] & mask);
}

}  // namespace toll::egress
