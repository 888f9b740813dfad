// API keys of an account, by the operator's hand. Works beside a running server: it sees the change within a second.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tollhouse/console.h"
#include "tollhouse/house.h"

namespace toll::app {

// The key is shown once, now.
int create_key(const Console& console, const House& house, const std::string& email, const std::string& name,
               std::optional<std::int64_t> expires_in_days);
int list_keys(const Console& console, const House& house, const std::string& email);
// `key`: its id or its name.
int revoke_key(const Console& console, const House& house, const std::string& email, const std::string& key);

}  // namespace toll::app
