#include "models/viewer.h"

namespace toll::models {

namespace {

// Not correlated: the engines read an account's grants once a statement.
constexpr std::string_view granted =
    "r.id IN (SELECT g.repo FROM model_grants g WHERE g.account_id = $1 AND g.from_ts <= $2 AND (g.until_ts IS NULL OR "
    "g.until_ts >= $2))";

}  // namespace

std::string visible_to(identity::Role role) {
  switch (role) {
    case identity::Role::admin:
      return "(CAST($1 AS BIGINT) IS NOT NULL AND CAST($2 AS BIGINT) IS NOT NULL)";
    case identity::Role::platform:
      return std::string(granted);
    case identity::Role::developer:
      break;
  }
  return "(r.is_public = 1 OR r.owner_id = $1 OR " + std::string(granted) + ")";
}

}  // namespace toll::models
