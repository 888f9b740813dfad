// What an account is in the registry: it publishes, it consumes what it was granted, or it administers everything.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace toll::identity {

enum class Role : std::uint8_t { developer, platform, admin };

constexpr std::string_view to_string(Role role) {
  return role == Role::developer ? "developer" : role == Role::platform ? "platform" : "admin";
}

constexpr std::optional<Role> role_from(std::string_view name) {
  for (auto role : {Role::developer, Role::platform, Role::admin})
    if (to_string(role) == name) return role;
  return std::nullopt;
}

// From the columns: an administrator has every role.
constexpr Role role_of(bool is_admin, std::string_view column) {
  return is_admin ? Role::admin : role_from(column).value_or(Role::developer);
}

}  // namespace toll::identity
