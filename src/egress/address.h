// Addresses of the public Internet, told from all others.
// Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), RFC 6052 (NAT64), RFC 3056 (6to4).
#pragma once

#include <boost/asio/ip/address.hpp>

#include <optional>
#include <string_view>

namespace toll::egress {

using Address = boost::asio::ip::address;

// Not loopback, private, link-local, shared (CGNAT), unique local, multicast, unspecified, reserved, for documentation
// or measurements, or a cloud's metadata service; an IPv6 address that carries an IPv4 address (mapped, NAT64, 6to4) is
// judged by that one as well.
bool is_public(const Address& address);

// IPv4-mapped IPv6 as the IPv4 address it stands for; others as they are.
Address unmapped(const Address& address);

struct Network {
  Address first;
  int bits = 0;
  // "10.0.0.0/8", "::1"; nullopt: neither a block nor an address.
  static std::optional<Network> parse(std::string_view text);
  bool contains(const Address& address) const;  // mapped addresses as IPv4
};

}  // namespace toll::egress
