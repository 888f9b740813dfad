#include "identity/authenticator.h"

#include <algorithm>

#include "base/digest.h"
#include "identity/key_format.h"
#include "identity/scopes.h"
#include "identity/sessions.h"

namespace toll::identity {

namespace {

OwnLimits own_limits(const sql::Row& row, std::size_t first) {
  return {row.maybe_integer(first), row.maybe_integer(first + 1), row.maybe_integer(first + 2)};
}

}  // namespace

Authenticator::Authenticator(const Clock& clock, CredentialCache& cache, Options options)
    : clock_(clock), cache_(cache), options_(std::move(options)) {}

std::optional<Result<PrincipalPtr>> Authenticator::cached(const Credential& credential) const {
  if (credential.kind == CredentialKind::admin_token) {
    if (options_.admin_token.empty()) return Result<PrincipalPtr>(Reason::no_admin_token);
    if (!equal_constant_time(as_text(sha256(credential.secret)), as_text(sha256(options_.admin_token))))
      return Result<PrincipalPtr>(Reason::bad_admin_token);
    static const auto operator_principal = [] {
      Principal principal;
      principal.admin = true;
      principal.role = Role::admin;
      principal.via = CredentialKind::admin_token;
      return std::make_shared<const Principal>(std::move(principal));
    }();
    return Result<PrincipalPtr>(operator_principal);
  }
  const bool session = credential.kind == CredentialKind::session;
  if (!session && !well_formed(key_kind_of(credential.kind), credential.secret))
    return Result<PrincipalPtr>(Reason::bad_key);
  if (auto known = cache_.find(cache_.tag_of(credential))) return Result<PrincipalPtr>(std::move(known));
  if (session)
    if (auto claims = parse_token(credential.secret, options_.session_secret, clock_.now()); !claims)
      return Result<PrincipalPtr>(std::move(claims).error());
  return std::nullopt;
}

Result<PrincipalPtr> Authenticator::authenticate(sql::Tx& tx, const Credential& credential, std::uint64_t epoch) const {
  if (auto known = cached(credential)) return *std::move(known);
  if (credential.kind == CredentialKind::session) return look_up_session(tx, credential, epoch);
  if (credential.kind == CredentialKind::client_pair) return look_up_pair(tx, credential, epoch);
  return look_up_key(tx, credential, epoch);
}

Result<PrincipalPtr> Authenticator::authenticate(sql::Database& db, const Credential& credential) const {
  if (auto known = cached(credential)) return *std::move(known);
  const auto epoch = cache_.epoch();
  if (!db.reads_are_cheap()) return db.read([&](sql::Tx& tx) { return authenticate(tx, credential, epoch); });
  std::optional<Result<PrincipalPtr>> answer;
  db.read_here(
      [&](sql::Tx& tx) {
        answer.emplace(authenticate(tx, credential, epoch));
        return true;
      },
      sql::Database::Statements::one);
  return *std::move(answer);
}

// Unknown and wrong keys are one case and one path: the hash is looked for and not there.
Result<PrincipalPtr> Authenticator::look_up_key(sql::Tx& tx, const Credential& credential, std::uint64_t epoch) const {
  const auto kind = key_kind_of(credential.kind);
  const auto now = clock_.now();
  const auto row = tx.one(
      "SELECT k.id, k.account_id, k.kind, k.client_id, k.scopes, k.expires_at, a.is_admin, a.active, a.plan, k.active, "
      "k.revoked_at, k.allow_list, k.limit_minute, k.limit_hour, k.limit_day, a.limit_minute, a.limit_hour, "
      "a.limit_day, a.role, k.organisation_id, k.deployment_id FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE k.secret_hash = $1",
      hex(hmac_sha256(options_.key_secret, canonical_key(kind, credential.secret))));
  if (!row || row->text(2) != to_string(kind)) return Reason::bad_key;
  auto ends_at = row->maybe_time(5);
  if (const auto revoked_at = row->maybe_time(10)) ends_at = ends_at ? std::min(*ends_at, *revoked_at) : *revoked_at;
  if ((ends_at && *ends_at <= now) || !row->boolean(9)) return Reason::bad_key;
  if (!row->boolean(7)) return kind == KeyKind::tunes ? Reason::bad_key : Reason::account_disabled;

  Principal principal;
  principal.account = AccountId(row->integer(1));
  principal.admin = row->boolean(6);
  principal.role = role_of(principal.admin, row->text(18));
  principal.via = credential.kind;
  principal.key = KeyId(row->text(0));
  principal.subject = metering::Subject::of_key(*principal.key);
  principal.scopes = split_scopes(row->text(4));
  principal.plan = plan_from(row->text(8)).value_or(Plan::free);
  const auto allowed = plan_limits(principal.plan, own_limits(*row, 15));
  principal.limits = kind == KeyKind::tunes ? lowered(allowed, own_limits(*row, 12)) : allowed;
  if (const auto rules = split_scopes(row->text(11)); !rules.empty())
    principal.allowed_from = std::make_shared<const AddressRules>(rules);
  principal.organisation = row->maybe_text(19).value_or("");
  principal.deployment = row->maybe_text(20).value_or("");
  auto shared = std::make_shared<const Principal>(std::move(principal));
  cache_.keep(cache_.tag_of(credential), shared, ends_at, epoch, now);
  return shared;
}

// The same statement and the same work, whether the id, the secret or neither is one of ours.
Result<PrincipalPtr> Authenticator::look_up_pair(sql::Tx& tx, const Credential& credential, std::uint64_t epoch) const {
  const auto now = clock_.now();
  const auto hash = hex(hmac_sha256(options_.key_secret, credential.secret));
  auto found = look_up_client(tx, credential.id, hash, now, options_.client_limits);
  if (!found) return Reason::bad_key;
  auto shared = std::make_shared<const Principal>(std::move(found->principal));
  cache_.keep(cache_.tag_of(credential), shared, found->ends_at, epoch, now);
  return shared;
}

// The account is looked at before the session's row: disabling and deleting end the sessions too, and the caller should
// hear of the former.
Result<PrincipalPtr> Authenticator::look_up_session(sql::Tx& tx, const Credential& credential,
                                                    std::uint64_t epoch) const {
  const auto now = clock_.now();
  const auto claims = TOLL_TRY(parse_token(credential.secret, options_.session_secret, now));
  const auto row = tx.one(
      "SELECT a.is_admin, a.active, a.plan, s.expires_at, a.limit_minute, a.limit_hour, a.limit_day, a.role FROM "
      "accounts a "
      "LEFT JOIN sessions s ON s.account_id = a.id AND s.id = $2 WHERE a.id = $1",
      claims.account, claims.id);
  if (!row) return Reason::account_gone;
  if (!row->boolean(1)) return Reason::account_disabled;
  if (row->is_null(3)) return Fault(Reason::bad_session).because("ended");
  Principal principal;
  principal.account = claims.account;
  principal.admin = row->boolean(0);
  principal.role = role_of(principal.admin, row->text(7));
  principal.session_id = claims.id;
  principal.plan = plan_from(row->text(2)).value_or(Plan::free);
  principal.limits = plan_limits(principal.plan, own_limits(*row, 4));
  auto shared = std::make_shared<const Principal>(std::move(principal));
  cache_.keep(cache_.tag_of(credential), shared, claims.expires_at, epoch, now);
  return shared;
}

}  // namespace toll::identity
