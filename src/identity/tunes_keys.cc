#include "identity/tunes_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "base/text.h"
#include "identity/credential_cache.h"
#include "identity/key_format.h"
#include "identity/names.h"
#include "identity/scopes.h"

namespace toll::identity {

namespace {

constexpr auto kind = KeyKind::tunes;

std::string selecting(std::string_view condition) {
  return fmt::format(
      "SELECT k.id, k.account_id, k.prefix, k.name, k.description, k.scopes, k.limit_minute, k.limit_hour, "
      "k.limit_day, k.allow_list, k.metadata, k.active, k.environment, k.lifetime_days, k.created_at, k.updated_at, "
      "k.expires_at, k.revoked_at, k.rotated_from, k.rotated_to, k.total_requests, k.last_used_at, k.last_used_ip, "
      "a.plan, a.limit_minute, a.limit_hour, a.limit_day "
      "FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE k.kind = 'tunes' AND k.account_id = $1 AND {}",
      condition);
}

OwnLimits limits_at(const sql::Row& row, std::size_t first) {
  return {row.maybe_integer(first), row.maybe_integer(first + 1), row.maybe_integer(first + 2)};
}

std::optional<KeyId> maybe_key(const sql::Row& row, std::size_t column) {
  auto id = row.maybe_text(column);
  return id ? std::optional(KeyId(std::move(*id))) : std::nullopt;
}

TunesKey key_of(const sql::Row& row) {
  TunesKey key;
  key.id = KeyId(row.text(0));
  key.account = AccountId(row.integer(1));
  key.prefix = row.text(2);
  key.settings = {.name = row.text(3),
                  .description = row.maybe_text(4),
                  .scopes = split_scopes(row.text(5)),
                  .limits = limits_at(row, 6),
                  .allow_list = split_scopes(row.text(9)),
                  .metadata = row.text(10),
                  .active = row.boolean(11)};
  key.environment = environment_from(row.text(12)).value_or(Environment::production);
  key.lifetime_days = row.maybe_integer(13);
  key.created_at = row.time(14);
  key.updated_at = row.maybe_time(15).value_or(key.created_at);
  key.expires_at = row.maybe_time(16);
  key.revoked_at = row.maybe_time(17);
  key.rotated_from = maybe_key(row, 18);
  key.rotated_to = maybe_key(row, 19);
  key.total_requests = row.integer(20);
  key.last_used_at = row.maybe_time(21);
  key.last_used_ip = row.maybe_text(22);
  const auto plan = plan_from(row.text(23)).value_or(Plan::free);
  key.limits = lowered(plan_limits(plan, limits_at(row, 24)), key.settings.limits);
  return key;
}

// The first scope of `wanted` beyond the plan that is not in `had`.
Result<void> scopes_within(Plan plan, const std::vector<std::string>& wanted, const std::vector<std::string>& had) {
  for (const auto& scope : wanted) {
    const auto lowest = lowest_plan(scope);
    if (!lowest || *lowest <= plan || std::ranges::find(had, scope) != had.end()) continue;
    return Fault(Reason::plan_required).with("scope", scope).with("plan", std::string(to_string(*lowest)));
  }
  return {};
}

// Changes of one account's keys follow one another: none is made from what another one is about to replace.
bool lock(sql::Tx& tx, AccountId account) {
  return tx.exec("UPDATE accounts SET updated_at = updated_at WHERE id = $1", account) == 1;
}

}  // namespace

std::string_view to_string(Environment environment) {
  static constexpr std::array<std::string_view, 3> names{"development", "staging", "production"};
  return names[static_cast<std::size_t>(environment)];
}

std::optional<Environment> environment_from(std::string_view name) {
  for (auto environment : all_environments)
    if (to_string(environment) == name) return environment;
  return std::nullopt;
}

std::string_view to_string(KeyStatus status) {
  static constexpr std::array<std::string_view, 5> names{"active", "inactive", "expired", "revoked", "rotating"};
  return names[static_cast<std::size_t>(status)];
}

KeyStatus TunesKey::status(Time now) const {
  if (revoked_at && *revoked_at <= now) return KeyStatus::revoked;
  if (expires_at && *expires_at <= now) return KeyStatus::expired;
  if (!settings.active) return KeyStatus::inactive;
  return revoked_at ? KeyStatus::rotating : KeyStatus::active;
}

TunesKeys::TunesKeys(const Clock& clock, Random& random, CredentialCache& cache, std::string hash_secret)
    : clock_(clock), random_(random), cache_(cache), hash_secret_(std::move(hash_secret)) {}

void TunesKeys::changed(sql::Tx& tx, AccountId account, const KeyId& id, const Actor& by, std::string_view action,
                        std::string detail) const {
  audit(
      tx, clock_.now(), by,
      {action, "key:" + id.value(),
       fmt::format("{} key of account {}{}{}", to_string(kind), account.value(), detail.empty() ? "" : ", ", detail)});
  tx.after_commit([&cache = cache_, account] { cache.forget(account); });
}

Result<TunesKeys::Allowance> TunesKeys::allowance(sql::Tx& tx, AccountId account) const {
  const auto row = tx.one("SELECT plan, limit_minute, limit_hour, limit_day FROM accounts WHERE id = $1", account);
  if (!row) return Reason::account_not_found;
  const auto plan = plan_from(row->text(0)).value_or(Plan::free);
  return Allowance{plan, plan_limits(plan, limits_at(*row, 1))};
}

Result<void> TunesKeys::check_room(sql::Tx& tx, AccountId account) const {
  if (!lock(tx, account)) return Reason::account_not_found;
  const auto count =
      tx.one("SELECT count(*) FROM api_keys WHERE account_id = $1 AND kind = 'tunes'", account).value().integer(0);
  if (count >= static_cast<std::int64_t>(max_tunes_keys_per_account))
    return Fault(Reason::too_many_keys).with("limit", std::to_string(max_tunes_keys_per_account));
  return {};
}

Result<FreshTunesKey> TunesKeys::insert(sql::Tx& tx, AccountId account, const NewTunesKey& wanted,
                                        const std::optional<KeyId>& rotated_from) const {
  if (auto room = check_room(tx, account); !room) return std::move(room).error();
  const auto secret = generate_key(kind, random_);
  const KeyId id(random_.uuid4());
  const auto now = clock_.now();
  const auto& settings = wanted.settings;
  std::optional<Time> expires_at;
  if (wanted.lifetime_days) expires_at = now + std::chrono::seconds(86'400) * *wanted.lifetime_days;
  tx.exec(
      "INSERT INTO api_keys (id, account_id, kind, name, prefix, last_four, secret_hash, is_default, scopes, "
      "created_at, expires_at, environment, description, limit_minute, limit_hour, limit_day, allow_list, metadata, "
      "active, lifetime_days, rotated_from) "
      "VALUES ($1, $2, 'tunes', $3, $4, $5, $6, 0, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
      id, account, settings.name, key_prefix(kind, secret), std::string_view(secret).substr(secret.size() - 4),
      hex(hmac_sha256(hash_secret_, secret)), join_scopes(settings.scopes), now, expires_at,
      to_string(wanted.environment), settings.description, settings.limits.minute, settings.limits.hour,
      settings.limits.day, join_scopes(settings.allow_list), settings.metadata, settings.active, wanted.lifetime_days,
      rotated_from);
  return FreshTunesKey{find(tx, account, id).value(), secret};
}

Result<FreshTunesKey> TunesKeys::create(sql::Tx& tx, AccountId account, const NewTunesKey& wanted,
                                        const Actor& by) const {
  const auto allowed = TOLL_TRY(allowance(tx, account));
  if (auto within = scopes_within(allowed.plan, wanted.settings.scopes, {}); !within) return std::move(within).error();
  auto fresh = insert(tx, account, wanted, std::nullopt);
  if (!fresh) return std::move(fresh).error();
  changed(tx, account, fresh->key.id, by, "key.create", join_scopes(wanted.settings.scopes));
  return fresh;
}

std::vector<TunesKey> TunesKeys::list(sql::Tx& tx, AccountId account, const Filter& filter) const {
  const auto now = clock_.now();
  std::vector<TunesKey> out;
  for (const auto& row : tx.query(selecting("1 = 1 ORDER BY k.created_at DESC, k.id DESC"), account)) {
    auto key = key_of(row);
    const bool active = key.settings.active && key.status(now) != KeyStatus::revoked;
    if (filter.environment && *filter.environment != key.environment) continue;
    if (filter.active && *filter.active != active) continue;
    out.push_back(std::move(key));
  }
  return out;
}

std::optional<TunesKey> TunesKeys::find(sql::Tx& tx, AccountId account, const KeyId& id) const {
  if (!is_uuid(id.value())) return std::nullopt;
  const auto row = tx.one(selecting("k.id = $2"), account, id);
  if (!row) return std::nullopt;
  return key_of(*row);
}

Result<TunesKey> TunesKeys::update(sql::Tx& tx, AccountId account, const KeyId& id,
                                   const std::function<void(TunesKeySettings&)>& change, const Actor& by) const {
  const auto now = clock_.now();
  lock(tx, account);
  const auto key = find(tx, account, id);
  if (!key) return Reason::key_not_found;
  if (key->status(now) == KeyStatus::revoked) return Reason::key_revoked;
  auto settings = key->settings;
  change(settings);
  const auto allowed = TOLL_TRY(allowance(tx, account));
  if (auto within = scopes_within(allowed.plan, settings.scopes, key->settings.scopes); !within)
    return std::move(within).error();
  tx.exec(
      "UPDATE api_keys SET name = $3, description = $4, scopes = $5, limit_minute = $6, limit_hour = $7, "
      "limit_day = $8, allow_list = $9, metadata = $10, active = $11, updated_at = $12 "
      "WHERE id = $1 AND account_id = $2",
      id, account, settings.name, settings.description, join_scopes(settings.scopes), settings.limits.minute,
      settings.limits.hour, settings.limits.day, join_scopes(settings.allow_list), settings.metadata, settings.active,
      now);
  changed(tx, account, id, by, "key.update",
          fmt::format("{}, {}", settings.active ? "active" : "inactive", join_scopes(settings.scopes)));
  return find(tx, account, id).value();
}

Result<FreshTunesKey> TunesKeys::rotate(sql::Tx& tx, AccountId account, const KeyId& id, std::chrono::seconds grace,
                                        const Actor& by) const {
  const auto now = clock_.now();
  lock(tx, account);
  const auto old = find(tx, account, id);
  if (!old) return Reason::key_not_found;
  if (old->rotated_to) return Reason::key_rotated;
  if (old->revoked_at) return Reason::key_revoked;
  auto fresh = insert(tx, account, {old->settings, old->environment, old->lifetime_days}, id);
  if (!fresh) return std::move(fresh).error();
  tx.exec("UPDATE api_keys SET rotated_to = $3, revoked_at = $4, updated_at = $5 WHERE id = $1 AND account_id = $2", id,
          account, fresh->key.id, now + grace, now);
  changed(tx, account, id, by, "key.rotate", fmt::format("to {}, grace {} s", fresh->key.id.value(), grace.count()));
  return fresh;
}

Result<TunesKey> TunesKeys::revoke(sql::Tx& tx, AccountId account, const KeyId& id, const Actor& by) const {
  const auto now = clock_.now();
  lock(tx, account);
  const auto key = find(tx, account, id);
  if (!key) return Reason::key_not_found;
  if (key->status(now) == KeyStatus::revoked) return *key;
  tx.exec("UPDATE api_keys SET revoked_at = $3, updated_at = $3 WHERE id = $1 AND account_id = $2", id, account, now);
  changed(tx, account, id, by, "key.revoke");
  return find(tx, account, id).value();
}

Result<void> TunesKeys::remove(sql::Tx& tx, AccountId account, const KeyId& id, const Actor& by) const {
  if (!is_uuid(id.value())) return Reason::key_not_found;
  if (tx.exec("DELETE FROM api_keys WHERE id = $1 AND account_id = $2 AND kind = 'tunes'", id, account) == 0)
    return Reason::key_not_found;
  changed(tx, account, id, by, "key.delete");
  return {};
}

}  // namespace toll::identity
