#include "identity/authenticator.h"

#include "base/digest.h"
#include "identity/key_format.h"
#include "identity/key_uses.h"
#include "identity/scopes.h"
#include "identity/sessions.h"

namespace toll::identity {

Authenticator::Authenticator(const Clock& clock, CredentialCache& cache, KeyUses* uses, Options options)
    : clock_(clock), cache_(cache), uses_(uses), options_(std::move(options)) {}

// For keys it is the stored hash. Kinds cannot meet: a text is well formed for one kind only, and the client id is
// part of what is hashed.
Sha256 Authenticator::digest_of(const Credential& credential) const {
  if (credential.kind == CredentialKind::client_pair)
    return hmac_sha256(options_.key_secret, credential.id + "\n" + credential.secret);
  return hmac_sha256(options_.key_secret, credential.secret);
}

std::optional<Result<Principal>> Authenticator::cached(const Credential& credential) const {
  if (credential.kind == CredentialKind::admin_token) {
    if (options_.admin_token.empty() ||
        !equal_constant_time(as_text(sha256(credential.secret)), as_text(sha256(options_.admin_token))))
      return Result<Principal>(Reason::bad_key);
    return Result<Principal>(Principal{.admin = true, .via = CredentialKind::admin_token});
  }
  const bool session = credential.kind == CredentialKind::session;
  if (!session && !well_formed(key_kind_of(credential.kind), credential.secret))
    return Result<Principal>(Reason::bad_key);
  if (auto known = cache_.find(digest_of(credential))) {
    if (known->via != credential.kind) return Result<Principal>(session ? Reason::bad_session : Reason::bad_key);
    if (uses_ && known->key) uses_->note(*known->key, clock_.now());
    return Result<Principal>(*std::move(known));
  }
  if (session)
    if (auto claims = parse_token(credential.secret, options_.session_secret, clock_.now()); !claims)
      return Result<Principal>(std::move(claims).error());
  return std::nullopt;
}

Result<Principal> Authenticator::authenticate(sql::Tx& tx, const Credential& credential, std::uint64_t epoch) const {
  if (auto known = cached(credential)) return *std::move(known);
  return credential.kind == CredentialKind::session ? look_up_session(tx, credential, epoch)
                                                    : look_up_key(tx, credential, epoch);
}

Result<Principal> Authenticator::authenticate(sql::Database& db, const Credential& credential) const {
  if (auto known = cached(credential)) return *std::move(known);
  const auto epoch = cache_.epoch();
  if (!db.reads_are_cheap()) return db.read([&](sql::Tx& tx) { return authenticate(tx, credential, epoch); });
  std::optional<Result<Principal>> answer;
  db.read_here([&](sql::Tx& tx) {
    answer.emplace(authenticate(tx, credential, epoch));
    return true;
  });
  return *std::move(answer);
}

Result<Principal> Authenticator::look_up_key(sql::Tx& tx, const Credential& credential, std::uint64_t epoch) const {
  const auto kind = key_kind_of(credential.kind);
  const auto now = clock_.now();
  const auto row = tx.one(
      "SELECT k.id, k.account_id, k.kind, k.client_id, k.scopes, k.expires_at, a.is_admin, a.active, a.plan "
      "FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE k.secret_hash = $1",
      hex(hmac_sha256(options_.key_secret, credential.secret)));
  if (!row || row->text(2) != to_string(kind)) return Reason::bad_key;
  if (kind == KeyKind::client && !equal_constant_time(row->maybe_text(3).value_or(""), credential.id))
    return Reason::bad_key;
  const auto expires_at = row->maybe_time(5);
  if (expires_at && *expires_at <= now) return Reason::bad_key;
  if (!row->boolean(7)) return Reason::account_disabled;
  Principal principal{.account = AccountId(row->integer(1)),
                      .admin = row->boolean(6),
                      .via = credential.kind,
                      .key = KeyId(row->text(0)),
                      .session_id = {},
                      .scopes = split_scopes(row->text(4)),
                      .plan = row->text(8)};
  cache_.keep(digest_of(credential), principal, expires_at, epoch);
  if (uses_) uses_->note(*principal.key, now);
  return principal;
}

// The account is looked at before the session's row: disabling and deleting end the sessions too, and the caller should
// hear of the former.
Result<Principal> Authenticator::look_up_session(sql::Tx& tx, const Credential& credential, std::uint64_t epoch) const {
  const auto claims = TOLL_TRY(parse_token(credential.secret, options_.session_secret, clock_.now()));
  const auto row = tx.one(
      "SELECT a.is_admin, a.active, a.plan, s.expires_at FROM accounts a "
      "LEFT JOIN sessions s ON s.account_id = a.id AND s.id = $2 WHERE a.id = $1",
      claims.account, claims.id);
  if (!row) return Reason::account_gone;
  if (!row->boolean(1)) return Reason::account_disabled;
  if (row->is_null(3)) return Fault(Reason::bad_session).because("ended");
  Principal principal{.account = claims.account,
                      .admin = row->boolean(0),
                      .via = CredentialKind::session,
                      .key = {},
                      .session_id = claims.id,
                      .scopes = {},
                      .plan = row->text(2)};
  cache_.keep(digest_of(credential), principal, claims.expires_at, epoch);
  return principal;
}

}  // namespace toll::identity
