#include "identity/keys.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "base/text.h"
#include "identity/credential_cache.h"
#include "identity/names.h"
#include "identity/scopes.h"

namespace toll::identity {

namespace {

constexpr std::string_view columns =
    "id, account_id, kind, name, prefix, last_four, is_default, scopes, client_id, created_at, last_used_at, "
    "expires_at";

KeyKind kind_from(std::string_view name) {
  for (auto kind : {KeyKind::stems, KeyKind::tunes, KeyKind::deployment, KeyKind::registry, KeyKind::client})
    if (to_string(kind) == name) return kind;
  throw sql::Error("unknown kind of key: " + std::string(name));
}

Key key_of(const sql::Row& row) {
  return {.id = KeyId(row.text(0)),
          .account = AccountId(row.integer(1)),
          .kind = kind_from(row.text(2)),
          .name = row.text(3),
          .prefix = row.text(4),
          .last_four = row.text(5),
          .is_default = row.boolean(6),
          .scopes = split_scopes(row.text(7)),
          .client_id = row.maybe_text(8).value_or(""),
          .created_at = row.time(9),
          .last_used_at = row.maybe_time(10),
          .expires_at = row.maybe_time(11)};
}

std::string selecting(std::string_view rest) {
  return fmt::format("SELECT {} FROM api_keys {}", columns, rest);
}

std::string_view last_four(std::string_view secret) {
  return secret.substr(secret.size() - 4);
}

// The trimmed name. Faults: invalid_request.
Result<std::string_view> checked_name(std::string_view name) {
  if (auto problem = key_name_problem(name))
    return Fault(Reason::invalid_request).at({{.path = {std::string("name")}, .message = std::move(*problem)}});
  return trim(name);
}

bool name_taken(sql::Tx& tx, AccountId account, KeyKind kind, std::string_view name, std::string_view except) {
  return tx
      .one("SELECT 1 FROM api_keys WHERE account_id = $1 AND kind = $2 AND name = $3 AND id <> $4", account,
           to_string(kind), name, except)
      .has_value();
}

}  // namespace

Keys::Keys(const Clock& clock, Random& random, CredentialCache& cache, std::string hash_secret)
    : clock_(clock), random_(random), cache_(cache), hash_secret_(std::move(hash_secret)) {}

std::string Keys::hash_of(std::string_view secret) const {
  return hex(hmac_sha256(hash_secret_, secret));
}

void Keys::changed(sql::Tx& tx, const Key& key, const Actor& by, std::string_view action) const {
  audit(
      tx, clock_.now(), by,
      {action, "key:" + key.id.value(), fmt::format("{} key of account {}", to_string(key.kind), key.account.value())});
  tx.after_commit([&cache = cache_, account = key.account] { cache.forget(account); });
}

// The account's row lock: of two parallel creations the second counts the first one's key.
Result<void> Keys::check_room(sql::Tx& tx, AccountId account, KeyKind kind) const {
  if (tx.exec("UPDATE accounts SET updated_at = updated_at WHERE id = $1", account) == 0)
    return Reason::account_not_found;
  const auto count =
      tx.one("SELECT count(*) FROM api_keys WHERE account_id = $1 AND kind = $2", account, to_string(kind))
          .value()
          .integer(0);
  if (count >= static_cast<std::int64_t>(max_keys_per_account))
    return Fault(Reason::too_many_keys).with("limit", std::to_string(max_keys_per_account));
  return {};
}

Result<FreshKey> Keys::create(sql::Tx& tx, AccountId account, const NewKey& wanted, const Actor& by) const {
  const auto name = TOLL_TRY(checked_name(wanted.name));
  TOLL_TRY(check_room(tx, account, wanted.kind));
  if (wanted.is_default && find_default(tx, account, wanted.kind)) return Reason::key_exists;
  if (name_taken(tx, account, wanted.kind, name, "")) return Reason::key_name_taken;

  const auto secret = generate_key(wanted.kind, random_);
  Key key{.id = KeyId(random_.uuid4()),
          .account = account,
          .kind = wanted.kind,
          .name = std::string(name),
          .prefix = key_prefix(wanted.kind, secret),
          .last_four = std::string(last_four(secret)),
          .is_default = wanted.is_default,
          .scopes = wanted.scopes,
          .client_id = wanted.kind == KeyKind::client ? generate_client_id(random_) : "",
          .created_at = clock_.now(),
          .expires_at = wanted.expires_at};
  const auto client_id = key.client_id.empty() ? std::nullopt : std::optional(key.client_id);
  tx.exec(
      "INSERT INTO api_keys (id, account_id, kind, name, prefix, last_four, secret_hash, client_id, is_default, "
      "scopes, "
      "created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
      key.id, account, to_string(key.kind), key.name, key.prefix, key.last_four, hash_of(secret), client_id,
      key.is_default, join_scopes(key.scopes), key.created_at, key.expires_at);
  changed(tx, key, by, "key.create");
  return FreshKey{std::move(key), secret};
}

std::vector<Key> Keys::list(sql::Tx& tx, AccountId account, KeyKind kind) const {
  std::vector<Key> out;
  for (const auto& row : tx.query(selecting("WHERE account_id = $1 AND kind = $2 ORDER BY created_at DESC, id DESC"),
                                  account, to_string(kind)))
    out.push_back(key_of(row));
  return out;
}

std::optional<Key> Keys::find(sql::Tx& tx, AccountId account, const KeyId& id) const {
  if (!is_uuid(id.value())) return std::nullopt;
  const auto row = tx.one(selecting("WHERE id = $1 AND account_id = $2"), id, account);
  if (!row) return std::nullopt;
  return key_of(*row);
}

std::optional<Key> Keys::find_default(sql::Tx& tx, AccountId account, KeyKind kind) const {
  const auto row =
      tx.one(selecting("WHERE account_id = $1 AND kind = $2 AND is_default = 1"), account, to_string(kind));
  if (!row) return std::nullopt;
  return key_of(*row);
}

Result<Key> Keys::rename(sql::Tx& tx, AccountId account, const KeyId& id, std::string_view wanted,
                         const Actor& by) const {
  const auto name = TOLL_TRY(checked_name(wanted));
  auto key = find(tx, account, id);
  if (!key) return Reason::key_not_found;
  if (name_taken(tx, account, key->kind, name, id.value())) return Reason::key_name_taken;
  if (tx.exec("UPDATE api_keys SET name = $3 WHERE id = $1 AND account_id = $2", id, account, name) == 0)
    return Reason::key_not_found;
  key->name = std::string(name);
  changed(tx, *key, by, "key.rename");
  return *std::move(key);
}

Result<FreshKey> Keys::regenerate(sql::Tx& tx, AccountId account, const KeyId& id, const Actor& by) const {
  auto key = find(tx, account, id);
  if (!key) return Reason::key_not_found;
  const auto secret = generate_key(key->kind, random_);
  key->prefix = key_prefix(key->kind, secret);
  key->last_four = std::string(last_four(secret));
  key->last_used_at.reset();
  const auto rows = tx.exec(
      "UPDATE api_keys SET secret_hash = $3, prefix = $4, last_four = $5, last_used_at = NULL "
      "WHERE id = $1 AND account_id = $2",
      id, account, hash_of(secret), key->prefix, key->last_four);
  if (rows == 0) return Reason::key_not_found;
  changed(tx, *key, by, "key.regenerate");
  return FreshKey{*std::move(key), secret};
}

Result<void> Keys::remove(sql::Tx& tx, AccountId account, const KeyId& id, const Actor& by) const {
  const auto key = find(tx, account, id);
  if (!key) return Reason::key_not_found;
  if (tx.exec("DELETE FROM api_keys WHERE id = $1 AND account_id = $2", id, account) == 0) return Reason::key_not_found;
  changed(tx, *key, by, "key.delete");
  return {};
}

}  // namespace toll::identity
