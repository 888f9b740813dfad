// Checks of single values: each returns what is wrong as a clause that starts with "must", or nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace toll::config {

std::string is_listen(const std::string& value);
std::string is_base_url(const std::string& value);      // http(s)://host[:port][/path], or empty
std::string is_database_url(const std::string& value);  // what sql::open takes, or empty
std::string are_origins(const std::vector<std::string>& value);
std::string are_emails(const std::vector<std::string>& value);
std::string are_packages(const std::vector<Package>& value);
std::string are_prices(const std::vector<ModelPrice>& value);  // one a repository
// Empty, or at least 32 bytes that no documentation shows and no keyboard walk makes.
std::string is_strong_secret(const std::string& value);
// The same, and not empty: whoever names the setting means it.
std::string is_given_secret(const std::string& value);
// Addresses, CIDR blocks and host names, each with or without a port.
std::string are_exceptions(const std::vector<std::string>& value);
std::string are_gateways(const std::vector<std::string>& value);  // URL=URL
std::string are_roots(const std::vector<std::string>& value);     // NAME=/PATH or NAME=/PATH:ro, one a name
std::string is_not_empty(const std::string& value);

}  // namespace toll::config
