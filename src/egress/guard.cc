#include "egress/guard.h"

#include <algorithm>
#include <stdexcept>

#include "base/text.h"
#include "egress/target.h"

namespace toll::egress {

namespace {

// The port behind the last colon, taken off; an IPv6 address has one only behind brackets.
std::uint16_t take_port(std::string& entry) {
  const auto colon = entry.rfind(':');
  const bool bracketed = entry.starts_with('[');
  const bool has_port =
      colon != entry.npos && (bracketed ? colon > 0 && entry[colon - 1] == ']' : entry.find(':') == colon);
  std::uint16_t port = 0;
  if (has_port) {
    const auto number = parse_int(entry.substr(colon + 1));
    if (!number || *number < 1 || *number > 65535) throw std::invalid_argument("bad port");
    port = static_cast<std::uint16_t>(*number);
    entry.resize(colon);
  }
  if (bracketed && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  return port;
}

std::string_view without_dot(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

}  // namespace

Guard::Guard(const std::vector<std::string>& allow, Lookup lookup) : lookup_(std::move(lookup)) {
  for (const auto& entry : allow) exceptions_.push_back(read(entry));
}

Guard::Exception Guard::read(const std::string& entry) try {
  Exception out;
  auto rest = entry;
  out.port = take_port(rest);
  out.network = Network::parse(rest);
  if (out.network) return out;
  out.host = lower(rest.starts_with("*.") ? rest.substr(1) : rest);
  const bool plain = !out.host.empty() && out.host != "." &&
                     std::all_of(out.host.begin(), out.host.end(),
                                 [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.' || c == '_'; });
  if (!plain) throw std::invalid_argument("bad host");
  return out;
} catch (const std::invalid_argument&) {
  throw std::invalid_argument("egress.allow: \"" + entry +
                              "\" is no address, CIDR block or host, with or without a port");
}

bool Guard::excepts_host(const std::string& host, std::uint16_t port) const {
  const auto name = without_dot(host);
  return std::any_of(exceptions_.begin(), exceptions_.end(), [&](const Exception& one) {
    if (one.network || (one.port != 0 && one.port != port)) return false;
    return one.host.starts_with('.') ? name.ends_with(one.host) : name == one.host;
  });
}

bool Guard::allows(const Address& address, std::uint16_t port) const {
  return is_public(address) || std::any_of(exceptions_.begin(), exceptions_.end(), [&](const Exception& one) {
           return one.network && (one.port == 0 || one.port == port) && one.network->contains(address);
         });
}

Result<std::vector<Address>> Guard::addresses(const std::string& host, std::uint16_t port,
                                              std::chrono::milliseconds most, std::stop_token stop) const {
  const auto name = lower(host);
  auto found = lookup_(name, most, stop);
  if (!found || excepts_host(name, port)) return found;
  for (const auto& address : *found)
    if (!allows(address, port))
      return Fault(Reason::egress_forbidden).because(name + " leads to " + address.to_string());
  return found;
}

bool Guard::may_name(std::string_view url) const {
  const auto target = Target::parse(url);
  return target && may_name_host(target->host, target->port);
}

bool Guard::may_name_host(const std::string& host, std::uint16_t port) const {
  const auto name = lower(host);
  if (excepts_host(name, port)) return true;
  if (const auto address = literal_address(std::string(without_dot(name)))) return allows(*address, port);
  const auto bare = without_dot(name);
  return bare != "localhost" && !bare.ends_with(".localhost");
}

}  // namespace toll::egress
