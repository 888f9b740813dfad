// What an account pays for: how often its keys may call, and which scopes open.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "metering/limits.h"

namespace toll::identity {

// In rising order: a plan holds everything below it.
enum class Plan : std::uint8_t { free, starter, pro, enterprise };
inline constexpr std::array all_plans{Plan::free, Plan::starter, Plan::pro, Plan::enterprise};

std::string_view to_string(Plan plan);
std::optional<Plan> plan_from(std::string_view name);

// Of each key of an account on this plan. An enterprise account may have limits of its own (Account::own_limits).
constexpr metering::Limits limits_of(Plan plan) {
  switch (plan) {
    case Plan::free:
      return {10, 100, 1'000};
    case Plan::starter:
      return {60, 1'000, 10'000};
    case Plan::pro:
      return {300, 10'000, 100'000};
    case Plan::enterprise:
      break;
  }
  return {10'000, 100'000, 1'000'000};
}

// Limits of which each may be left to somebody else.
struct OwnLimits {
  std::optional<std::int64_t> minute, hour, day;
  bool operator==(const OwnLimits&) const = default;
};
// What the account's plan allows a key: limits_of(plan), and on enterprise the account's own where it has any.
metering::Limits plan_limits(Plan plan, const OwnLimits& account);
// What a key gets: its own limits where it has any, never more than `allowed`.
metering::Limits lowered(const metering::Limits& allowed, const OwnLimits& key);

// A scope of tunes keys and the lowest plan that opens it.
struct PlannedScope {
  std::string_view name;
  Plan lowest;
};
inline constexpr std::array<PlannedScope, 13> planned_scopes{{{"read:tracks", Plan::free},
                                                              {"write:tracks", Plan::free},
                                                              {"delete:tracks", Plan::free},
                                                              {"read:recommendations", Plan::free},
                                                              {"read:playlists", Plan::free},
                                                              {"write:playlists", Plan::free},
                                                              {"delete:playlists", Plan::free},
                                                              {"read:audio_features", Plan::starter},
                                                              {"write:audio_features", Plan::starter},
                                                              {"train:models", Plan::pro},
                                                              {"read:analytics", Plan::pro},
                                                              {"admin:webhooks", Plan::pro},
                                                              {"admin:billing", Plan::pro}}};
// nullopt: no scope that plans know, so every plan opens it.
constexpr std::optional<Plan> lowest_plan(std::string_view scope) {
  for (const auto& known : planned_scopes)
    if (known.name == scope) return known.lowest;
  return std::nullopt;
}

}  // namespace toll::identity
