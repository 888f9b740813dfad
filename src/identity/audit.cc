#include "identity/audit.h"

namespace toll::identity {

Actor actor_of(const Principal& principal, std::string_view request_id) {
  Actor actor{.account = principal.account,
              .credential = std::string(to_string(principal.via)),
              .request_id = std::string(request_id)};
  if (principal.via == CredentialKind::admin_token) actor.account.reset();
  if (principal.key) actor.credential += ":" + principal.key->value();
  return actor;
}

void audit(sql::Tx& tx, Time now, const Actor& actor, const AuditEntry& entry) {
  tx.exec(
      "INSERT INTO audit_log (created_at, account_id, credential, request_id, action, object, detail) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7)",
      now, actor.account, actor.credential, actor.request_id, entry.action, entry.object, entry.detail);
}

std::vector<AuditRow> audit_log(sql::Tx& tx, std::size_t limit, std::optional<std::int64_t> before) {
  std::vector<AuditRow> out;
  for (const auto& row : tx.query("SELECT id, created_at, account_id, credential, request_id, action, object, detail "
                                  "FROM audit_log WHERE id < $1 ORDER BY id DESC LIMIT $2",
                                  before.value_or(INT64_MAX), limit)) {
    const auto account = row.maybe_integer(2);
    out.push_back({.id = row.integer(0),
                   .at = row.time(1),
                   .actor = {account ? std::optional(AccountId(*account)) : std::nullopt, row.text(3), row.text(4)},
                   .action = row.text(5),
                   .object = row.text(6),
                   .detail = row.text(7)});
  }
  return out;
}

}  // namespace toll::identity
