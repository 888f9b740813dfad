#include "identity/plans.h"

#include <algorithm>

namespace toll::identity {

std::string_view to_string(Plan plan) {
  static constexpr std::array<std::string_view, 4> names{"free", "starter", "pro", "enterprise"};
  return names[static_cast<std::size_t>(plan)];
}

std::optional<Plan> plan_from(std::string_view name) {
  for (auto plan : all_plans)
    if (to_string(plan) == name) return plan;
  return std::nullopt;
}

metering::Limits plan_limits(Plan plan, const OwnLimits& account) {
  const auto standard = limits_of(plan);
  if (plan != Plan::enterprise) return standard;
  return {account.minute.value_or(standard.minute), account.hour.value_or(standard.hour),
          account.day.value_or(standard.day)};
}

metering::Limits lowered(const metering::Limits& allowed, const OwnLimits& key) {
  return {std::min(allowed.minute, key.minute.value_or(allowed.minute)),
          std::min(allowed.hour, key.hour.value_or(allowed.hour)),
          std::min(allowed.day, key.day.value_or(allowed.day))};
}

}  // namespace toll::identity
