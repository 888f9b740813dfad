#include "config/check.h"

#include <fmt/format.h>

#include <array>
#include <set>
#include <stdexcept>

#include "base/text.h"

namespace toll::config {
namespace {

constexpr std::size_t shortest_secret = 32;
constexpr std::size_t fewest_characters = 10;

// Words of the examples that documents print and people paste.
constexpr std::array published{"changeme",    "change-me",   "change_me",   "change-this",  "change_this",
                               "change this", "your-secret", "your_secret", "secret-key",   "secret_key",
                               "example",     "insecure",    "placeholder", "super-secret", "supersecret"};

bool is_origin(std::string_view url) {
  auto scheme = url.find("://");
  if (scheme == url.npos || (url.substr(0, scheme) != "http" && url.substr(0, scheme) != "https")) return false;
  auto host = url.substr(scheme + 3);
  return !host.empty() && host.find_first_of("/?#@ \t\"'<>") == host.npos;
}

}  // namespace

HostPort split_listen(std::string_view listen) {
  auto colon = listen.rfind(':');
  auto port = colon == listen.npos ? std::nullopt : parse_int(listen.substr(colon + 1));
  auto host = listen.substr(0, colon == listen.npos ? 0 : colon);
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  bool plain = host.find_first_of(bracketed ? "[] /" : ":[] /") == host.npos;
  if (!port || *port < 0 || *port > 65535 || host.empty() || !plain)
    throw std::invalid_argument("not HOST:PORT: " + std::string(listen));
  return {std::string(host), static_cast<std::uint16_t>(*port)};
}

std::string is_listen(const std::string& value) try {
  split_listen(value);
  return {};
} catch (const std::invalid_argument&) {
  return "must be HOST:PORT with a port of 0 to 65535, such as 127.0.0.1:8080 or [::1]:8080";
}

std::string is_base_url(const std::string& value) {
  if (value.empty()) return {};
  auto scheme = value.find("://");
  auto slash = scheme == value.npos ? value.npos : value.find('/', scheme + 3);
  if (!is_origin(std::string_view(value).substr(0, slash)) || value.find_first_of("?# ") != value.npos)
    return "must be a URL such as https://stems.example.org";
  if (value.back() == '/') return "must not end in a slash";
  return {};
}

std::string is_database_url(const std::string& value) {
  for (std::string_view scheme : {"sqlite:///", "postgresql://", "postgres://"})
    if (value.starts_with(scheme) && value.size() > scheme.size()) return {};
  if (value.empty() || value == "sqlite::memory:") return {};
  return "must be sqlite:///ABSOLUTE/PATH.db or postgresql://USER@HOST:PORT/NAME, or empty for SQLite in the data "
         "folder";
}

std::string are_origins(const std::vector<std::string>& value) {
  for (const auto& origin : value)
    if (!is_origin(origin))
      return fmt::format("must be origins such as https://app.example.org, without a path; \"{}\" is none", origin);
  return {};
}

std::string are_exceptions(const std::vector<std::string>& value) {
  for (const auto& entry : value)
    if (entry.empty() || entry.find_first_of(" \t@?#*\"'<>") != entry.npos || entry.find("//") != entry.npos)
      return fmt::format("must be addresses, CIDR blocks or host names, with or without a port; \"{}\" is none", entry);
  return {};
}

std::string are_gateways(const std::vector<std::string>& value) {
  for (const auto& entry : value) {
    const auto equals = entry.find('=');
    const auto from = entry.substr(0, equals), to = equals == entry.npos ? "" : entry.substr(equals + 1);
    if (from.empty() || to.empty() || !is_base_url(from).empty() || !is_base_url(to).empty())
      return fmt::format("must be URL=URL, both without a final slash; \"{}\" is not", entry);
  }
  return {};
}

std::string are_roots(const std::vector<std::string>& value) {
  std::set<std::string> names;
  for (const auto& entry : value) {
    const auto equals = entry.find('=');
    const auto name = entry.substr(0, equals);
    const bool plain = !name.empty() && name.size() <= 64 &&
                       name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == name.npos;
    if (!plain || equals == entry.npos || equals + 2 >= entry.size() || entry[equals + 1] != '/')
      return fmt::format("must be NAME=/PATH or NAME=/PATH:ro with a name of a-z, 0-9, _ and -; \"{}\" is not", entry);
    if (!names.insert(name).second) return fmt::format("must not name \"{}\" twice", name);
  }
  return {};
}

std::string are_emails(const std::vector<std::string>& value) {
  for (const auto& email : value) {
    auto at = email.find('@');
    if (at == 0 || at == email.npos || at + 1 == email.size() || email.find_first_of(" ,;<>") != email.npos)
      return fmt::format("must be email addresses; \"{}\" is none", email);
  }
  return {};
}

std::string are_packages(const std::vector<Package>& value) {
  std::set<std::string> ids;
  for (const auto& package : value) {
    if (package.id.empty() || package.name.empty()) return "must give each package an id and a name";
    if (!ids.insert(package.id).second) return fmt::format("must not use the id \"{}\" twice", package.id);
    if (package.credits.micros <= 0 || package.price_cents <= 0)
      return fmt::format("must give package \"{}\" credits and price_cents above 0", package.id);
    if (package.currency.size() != 3 ||
        package.currency.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos)
      return fmt::format("must give package \"{}\" a currency such as USD", package.id);
  }
  return {};
}

std::string are_prices(const std::vector<ModelPrice>& value) {
  std::set<std::string> repos;
  for (const auto& price : value) {
    if (price.repo.empty()) return "must name a repo in each price";
    if (!repos.insert(price.repo).second) return fmt::format("must not price \"{}\" twice", price.repo);
  }
  return {};
}

std::string is_strong_secret(const std::string& value) {
  if (value.empty()) return {};
  if (value.size() < shortest_secret) return "must have at least 32 bytes; `openssl rand -base64 48` makes a good one";
  auto folded = lower(value);
  for (std::string_view word : published)
    if (folded.find(word) != folded.npos)
      return "must not be a published example; `openssl rand -base64 48` makes a good one";
  if (std::set<char>(value.begin(), value.end()).size() < fewest_characters)
    return "must be random; `openssl rand -base64 48` makes a good one";
  return {};
}

std::string is_given_secret(const std::string& value) {
  return value.empty() ? "must not be empty; leave it out to have one made" : is_strong_secret(value);
}

std::string is_not_empty(const std::string& value) {
  return value.empty() ? "must not be empty" : "";
}

}  // namespace toll::config
