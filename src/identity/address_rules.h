// Network addresses: the list a key may be used from, and which address a request really comes from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace toll::identity {

// An IPv4 or IPv6 address. IPv4 and IPv4-mapped IPv6 (::ffff:a.b.c.d) are one and the same.
struct Address {
  std::uint64_t high = 0, low = 0;  // of the 128 bits; IPv4 stands as mapped
  bool operator==(const Address&) const = default;
  bool is_v4() const { return high == 0 && low >> 32 == 0xffff; }
};
// "203.0.113.7", "2001:db8::1"; a zone ("fe80::1%eth0") is dropped. nullopt: neither.
std::optional<Address> parse_address(std::string_view text);
std::string to_text(const Address& address);

inline constexpr std::size_t max_address_rules = 100;

// Why this is no rule, as a clause ("must be an IPv4 or IPv6 address or a CIDR block", "has bits set behind the /24");
// nullopt: it is one.
std::optional<std::string> address_rule_problem(std::string_view text);

// A set of addresses and CIDR blocks. Immutable, thread-safe; allows() allocates nothing and takes some 100 ns at most.
class AddressRules {
 public:
  AddressRules() = default;
  // Throws std::invalid_argument on a text that has a problem.
  explicit AddressRules(std::span<const std::string> texts);

  bool empty() const { return rules_.empty(); }
  // A rule for IPv6 blocks never allows an IPv4 address: ::/0 is every IPv6 address.
  bool allows(const Address& address) const;

 private:
  struct Rule {
    Address base, mask;
    bool v4;
  };
  static std::optional<Rule> parse(std::string_view text, std::string& problem);
  friend std::optional<std::string> address_rule_problem(std::string_view text);
  std::vector<Rule> rules_;
};

// The address a request comes from: the socket's peer, unless that is one of `proxies`. Then the X-Forwarded-For lines
// (in the order of the head) are walked from the right as long as each address is a proxy's too, so that a client can
// put nothing in front. An entry that is no address ends the walk at the proxy that reported it. nullopt: the peer has
// no network address (a Unix socket).
std::optional<Address> client_address(std::string_view peer, std::span<const std::string_view> forwarded_for,
                                      const AddressRules& proxies);

}  // namespace toll::identity
