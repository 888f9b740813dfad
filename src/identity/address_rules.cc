#include "identity/address_rules.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "base/text.h"

namespace toll::identity {

namespace {

constexpr std::uint64_t mapped = std::uint64_t{0xffff} << 32;
constexpr int v4_offset = 96;  // where the 32 bits of IPv4 begin in a mapped address

std::uint64_t big_endian(const unsigned char* bytes) {
  std::uint64_t out = 0;
  for (int i = 0; i < 8; ++i) out = out << 8 | bytes[i];
  return out;
}

// inet_pton wants a terminated text; no address is longer than this.
std::optional<Address> parse_exactly(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
  std::memcpy(terminated.data(), text.data(), text.size());
  std::array<unsigned char, 16> bytes{};
  if (text.find(':') != text.npos) {
    if (inet_pton(AF_INET6, terminated.data(), bytes.data()) != 1) return std::nullopt;
    return Address{big_endian(bytes.data()), big_endian(bytes.data() + 8)};
  }
  if (inet_pton(AF_INET, terminated.data(), bytes.data()) != 1) return std::nullopt;
  return Address{0, mapped | big_endian(bytes.data()) >> 32};
}

std::uint64_t ones_of(int count) {
  return count <= 0 ? 0 : count >= 64 ? ~std::uint64_t{0} : ~std::uint64_t{0} << (64 - count);
}

Address mask_of(int prefix) {
  return {ones_of(prefix), ones_of(prefix - 64)};
}

// An entry of X-Forwarded-For may carry a port: "203.0.113.7:4711", "[2001:db8::1]:4711".
std::optional<Address> parse_forwarded(std::string_view entry) {
  entry = trim(entry);
  if (entry.starts_with('[')) return parse_address(entry.substr(1, entry.find(']') - 1));
  if (std::ranges::count(entry, ':') == 1) entry = entry.substr(0, entry.find(':'));
  return parse_address(entry);
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  return parse_exactly(text.substr(0, text.find('%')));
}

std::string to_text(const Address& address) {
  std::array<unsigned char, 16> bytes;
  for (int i = 0; i < 8; ++i) {
    bytes[static_cast<std::size_t>(i)] = static_cast<unsigned char>(address.high >> (56 - 8 * i));
    bytes[static_cast<std::size_t>(i + 8)] = static_cast<unsigned char>(address.low >> (56 - 8 * i));
  }
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (address.is_v4())
    inet_ntop(AF_INET, bytes.data() + 12, out.data(), out.size());
  else
    inet_ntop(AF_INET6, bytes.data(), out.data(), out.size());
  return out.data();
}

std::optional<AddressRules::Rule> AddressRules::parse(std::string_view text, std::string& problem) {
  const auto slash = text.find('/');
  const auto base = parse_exactly(text.substr(0, slash));
  if (!base) {
    problem = "must be an IPv4 or IPv6 address or a CIDR block";
    return std::nullopt;
  }
  // Written with colons, a mapped address counts its prefix from the front of the 128 bits.
  const bool written_v4 = text.substr(0, slash).find(':') == text.npos;
  int prefix = 128;
  if (slash != text.npos) {
    const auto digits = text.substr(slash + 1);
    const auto bits = parse_int(digits);
    const int most = written_v4 ? 32 : 128;
    const bool plain = !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos &&
                       (digits.size() == 1 || digits.front() != '0');
    if (!plain || !bits || *bits > most) {
      problem = fmt::format("must have a prefix length of 0 to {}", most);
      return std::nullopt;
    }
    prefix = static_cast<int>(*bits) + (written_v4 ? v4_offset : 0);
  }
  const auto mask = mask_of(prefix);
  if ((base->high & ~mask.high) != 0 || (base->low & ~mask.low) != 0) {
    problem = fmt::format("has bits set behind its {}", text.substr(slash));
    return std::nullopt;
  }
  return Rule{*base, mask, base->is_v4() && prefix >= v4_offset};
}

std::optional<std::string> address_rule_problem(std::string_view text) {
  std::string problem;
  if (AddressRules::parse(text, problem)) return std::nullopt;
  return problem;
}

AddressRules::AddressRules(std::span<const std::string> texts) {
  for (const auto& text : texts) {
    std::string problem;
    const auto rule = parse(text, problem);
    if (!rule) throw std::invalid_argument(text + " " + problem);
    rules_.push_back(*rule);
  }
}

bool AddressRules::allows(const Address& address) const {
  return std::ranges::any_of(rules_, [&, v4 = address.is_v4()](const Rule& rule) {
    return rule.v4 == v4 && (address.high & rule.mask.high) == rule.base.high &&
           (address.low & rule.mask.low) == rule.base.low;
  });
}

std::optional<Address> client_address(std::string_view peer, std::span<const std::string_view> forwarded_for,
                                      const AddressRules& proxies) {
  auto client = parse_address(peer);
  if (!client || proxies.empty()) return client;
  for (auto line = forwarded_for.rbegin(); line != forwarded_for.rend(); ++line) {
    for (auto rest = *line; !rest.empty();) {
      if (!proxies.allows(*client)) return client;
      const auto comma = rest.rfind(',');
      const auto before = parse_forwarded(comma == rest.npos ? rest : rest.substr(comma + 1));
      if (!before) return client;
      client = before;
      rest = comma == rest.npos ? std::string_view{} : rest.substr(0, comma);
    }
  }
  return client;
}

}  // namespace toll::identity
