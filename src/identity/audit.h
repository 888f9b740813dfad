// The audit log: who changed keys, roles, grants, money, settings or accounts. A row is written in the transaction of
// the change.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "identity/principal.h"
#include "sql/database.h"

namespace toll::identity {

// Who does it, for the audit row.
struct Actor {
  std::optional<AccountId> account;  // none: nobody is signed in yet, or the operator
  std::string credential;            // "session", "stems_key:<id>", "operator", "none"
  std::string request_id;
};
Actor actor_of(const Principal& principal, std::string_view request_id);
inline Actor operator_actor() {
  return {std::nullopt, "operator", ""};
}

struct AuditEntry {
  std::string_view action;  // "key.create", "account.disable", "credits.adjust"
  std::string object;       // "account:7", "key:<id>"
  std::string detail;       // no secrets, no personal data
};
void audit(sql::Tx& tx, Time now, const Actor& actor, const AuditEntry& entry);

struct AuditRow {
  std::int64_t id = 0;
  Time at;
  Actor actor;
  std::string action;
  std::string object;
  std::string detail;
};
// Newest first.
std::vector<AuditRow> audit_log(sql::Tx& tx, std::size_t limit, std::optional<std::int64_t> before = std::nullopt);

}  // namespace toll::identity
