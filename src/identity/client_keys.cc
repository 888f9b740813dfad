#include "identity/client_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "identity/credential_cache.h"
#include "identity/key_format.h"
#include "identity/scopes.h"

namespace toll::identity {

namespace {

using metering::mutation_quota;
using metering::query_quota;
using metering::Subject;

constexpr auto kind = KeyKind::client;
constexpr std::string_view columns =
    "k.id, k.account_id, k.client_id, c.label, k.scopes, c.query_slice, c.mutation_slice, k.created_at, "
    "k.last_used_at, k.expires_at, k.revoked_at";

// In the sums below: what keys with a slice take off the account's limit.
std::string taken_by_slices(std::string_view counter) {
  return fmt::format(
      "(SELECT coalesce(sum(CASE WHEN (k2.revoked_at IS NULL OR k2.revoked_at > $2) AND (k2.expires_at IS NULL OR "
      "k2.expires_at > $2) THEN c2.{0}_slice ELSE coalesce((SELECT q.reserved FROM quota_counters q WHERE q.subject = "
      "c2.subject AND q.counter = '{0}'), 0) END), 0) FROM client_keys c2 JOIN api_keys k2 ON k2.id = c2.key_id WHERE "
      "c2.account_id = c.account_id AND c2.{0}_slice IS NOT NULL)",
      counter);
}

std::int64_t limit_of(std::optional<std::int64_t> own, std::int64_t usual) {
  const auto limit = own.value_or(usual);
  return limit < 0 ? metering::unlimited_quota : limit;
}

metering::Allowance allowance(const Principal& who, std::optional<std::int64_t> slice, std::int64_t limit,
                              std::int64_t taken) {
  if (slice) return {who.subject, *slice, false};
  if (limit >= metering::unlimited_quota) return {Subject::of_account(who.account), limit, true};
  return {Subject::of_account(who.account), std::max<std::int64_t>(limit - taken, 0), true};
}

// Changes of one account's keys follow one another.
bool lock(sql::Tx& tx, AccountId account) {
  return tx.exec("UPDATE accounts SET updated_at = updated_at WHERE id = $1", account) == 1;
}

FieldProblem problem(std::string_view counter, std::string why) {
  return {Place::body, {std::string(counter) + "_slice"}, Problem::rejected, std::move(why)};
}

}  // namespace

ClientKeyStatus ClientKey::status(Time now) const {
  if (revoked_at && *revoked_at <= now) return ClientKeyStatus::revoked;
  return expires_at && *expires_at <= now ? ClientKeyStatus::expired : ClientKeyStatus::active;
}

ClientKeys::ClientKeys(const Clock& clock, Random& random, CredentialCache& cache, metering::Quotas& quotas,
                       std::string hash_secret, ClientLimits defaults)
    : clock_(clock),
      random_(random),
      cache_(cache),
      quotas_(quotas),
      hash_secret_(std::move(hash_secret)),
      defaults_(defaults) {}

std::string ClientKeys::hash_of(std::string_view secret) const {
  return hex(hmac_sha256(hash_secret_, secret));
}

std::vector<ClientKey> ClientKeys::select(sql::Tx& tx, AccountId account, std::string_view condition,
                                          const std::vector<sql::Value>& more) const {
  std::vector<sql::Value> values{account};
  values.insert(values.end(), more.begin(), more.end());
  const auto rows = tx.query_with(
      fmt::format("SELECT {} FROM client_keys c JOIN api_keys k ON k.id = c.key_id WHERE c.account_id = $1 AND {}",
                  columns, condition),
      values);
  std::vector<ClientKey> out;
  for (const auto& row : rows) {
    ClientKey key;
    key.id = KeyId(row.text(0));
    key.account = AccountId(row.integer(1));
    key.client_id = row.text(2);
    key.settings = {row.text(3), split_scopes(row.text(4)), row.maybe_integer(5), row.maybe_integer(6)};
    key.created_at = row.time(7);
    key.last_used_at = row.maybe_time(8);
    key.expires_at = row.maybe_time(9);
    key.revoked_at = row.maybe_time(10);
    const auto subject = Subject::of_key(key.id);
    key.query_used = quotas_.used(tx, subject, query_quota);
    key.mutation_used = quotas_.used(tx, subject, mutation_quota);
    out.push_back(std::move(key));
  }
  return out;
}

void ClientKeys::changed(sql::Tx& tx, const ClientKey& key, const Actor& by, std::string_view action) const {
  audit(tx, clock_.now(), by,
        {action, "key:" + key.id.value(),
         fmt::format("client key of account {}, {}", key.account.value(), join_scopes(key.settings.permissions))});
  // What is known of the counters may have moved between the key and its account.
  tx.after_commit([&cache = cache_, &quotas = quotas_, account = key.account, subject = Subject::of_key(key.id)] {
    cache.forget(account);
    for (auto counter : {query_quota, mutation_quota}) {
      quotas.settle(subject, counter);
      quotas.settle(Subject::of_account(account), counter);
    }
  });
}

Result<void> ClientKeys::check_slices(sql::Tx& tx, AccountId account, const KeyId& id,
                                      const ClientKeySettings& settings) const {
  // What this process holds for keys without a slice would else be spent beside the slice.
  for (auto counter : {query_quota, mutation_quota}) {
    quotas_.give_back(tx, Subject::of_account(account), counter);
    if (!id.value().empty()) quotas_.give_back(tx, Subject::of_key(id), counter);
  }
  const auto now = clock_.now();
  const auto limit = limits(tx, account);
  std::int64_t query = 0, mutation = 0, own_query = 0, own_mutation = 0;
  for (const auto& key : select(tx, account, "1 = 1", {})) {
    if (key.id == id) {
      own_query = key.query_used;
      own_mutation = key.mutation_used;
      continue;
    }
    const bool active = key.status(now) == ClientKeyStatus::active;
    query += active && key.settings.query_slice ? *key.settings.query_slice : key.query_used;
    mutation += active && key.settings.mutation_slice ? *key.settings.mutation_slice : key.mutation_used;
  }
  std::vector<FieldProblem> problems;
  const auto judge = [&](std::string_view counter, std::optional<std::int64_t> slice, std::int64_t own,
                         std::int64_t others, std::int64_t most) {
    if (!slice) return;
    if (*slice < own) problems.push_back(problem(counter, fmt::format("must not be below its use of {}", own)));
    if (most >= 0 && *slice > most - others)
      problems.push_back(problem(counter, fmt::format("must leave the account within its quota: at most {}",
                                                      std::max<std::int64_t>(most - others, 0))));
  };
  judge(query_quota, settings.query_slice, own_query, query, limit.query);
  judge(mutation_quota, settings.mutation_slice, own_mutation, mutation, limit.mutation);
  if (problems.empty()) return {};
  return Fault(Reason::invalid_request).at(std::move(problems));
}

Result<FreshClientKey> ClientKeys::create(sql::Tx& tx, AccountId account, const ClientKeySettings& settings,
                                          std::optional<Time> expires_at, const Actor& by) const {
  if (!lock(tx, account)) return Reason::account_not_found;
  const auto active = tx.one(
      "SELECT count(*) FROM client_keys c JOIN api_keys k ON k.id = c.key_id WHERE c.account_id = $1 AND "
      "k.revoked_at IS NULL",
      account);
  if (active.value().integer(0) >= static_cast<std::int64_t>(max_active_client_keys))
    return Fault(Reason::too_many_keys).with("limit", std::to_string(max_active_client_keys));
  if (count(tx, account) >= static_cast<std::int64_t>(max_client_keys))
    return Fault(Reason::too_many_keys).with("limit", std::to_string(max_client_keys));
  TOLL_TRY(check_slices(tx, account, KeyId(), settings));
  const KeyId id(random_.uuid4());
  const auto client_id = generate_client_id(random_);
  const auto secret = generate_key(kind, random_);
  tx.exec(
      "INSERT INTO api_keys (id, account_id, kind, name, prefix, last_four, secret_hash, client_id, is_default, "
      "scopes, "
      "created_at, expires_at) VALUES ($1, $2, $3, $4, '', '', $5, $4, 0, $6, $7, $8)",
      id, account, to_string(kind), client_id, hash_of(secret), join_scopes(settings.permissions), clock_.now(),
      expires_at);
  const auto subject = Subject::of_key(id).bytes();
  tx.exec(
      "INSERT INTO client_keys (key_id, account_id, label, subject, query_slice, mutation_slice) VALUES ($1, $2, $3, "
      "$4, $5, $6)",
      id, account, settings.name, sql::Blob{subject}, settings.query_slice, settings.mutation_slice);
  auto key = find(tx, account, client_id).value();
  changed(tx, key, by, "key.create");
  return FreshClientKey{std::move(key), secret};
}

std::vector<ClientKey> ClientKeys::list(sql::Tx& tx, AccountId account, std::size_t limit, std::size_t offset) const {
  return select(tx, account, "1 = 1 ORDER BY k.created_at DESC, k.id DESC LIMIT $2 OFFSET $3", {limit, offset});
}

std::int64_t ClientKeys::count(sql::Tx& tx, AccountId account) const {
  return tx.one("SELECT count(*) FROM client_keys WHERE account_id = $1", account).value().integer(0);
}

std::optional<ClientKey> ClientKeys::find(sql::Tx& tx, AccountId account, std::string_view client_id) const {
  auto found = select(tx, account, "k.client_id = $2", {client_id});
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

// A key's own calls count for the account while it has no slice.
void ClientKeys::move_use(sql::Tx& tx, const ClientKey& key, std::string_view counter, bool had, bool has) const {
  if (had == has) return;
  const auto used = counter == query_quota ? key.query_used : key.mutation_used;
  const auto account = Subject::of_account(key.account);
  if (has)
    metering::give_quota_back(tx, account, counter, used);
  else
    metering::reserve_quota(tx, account, counter, used, metering::unlimited_quota);
}

Result<ClientKey> ClientKeys::update(sql::Tx& tx, AccountId account, std::string_view client_id,
                                     const std::function<void(ClientKeySettings&)>& change, const Actor& by) const {
  lock(tx, account);
  auto key = find(tx, account, client_id);
  if (!key) return Reason::key_not_found;
  if (key->status(clock_.now()) == ClientKeyStatus::revoked) return Reason::key_revoked;
  const auto before = key->settings;
  change(key->settings);
  const auto& now = key->settings;
  if (now.query_slice != before.query_slice || now.mutation_slice != before.mutation_slice)
    TOLL_TRY(check_slices(tx, account, key->id, now));
  tx.exec("UPDATE api_keys SET scopes = $2, updated_at = $3 WHERE id = $1", key->id, join_scopes(now.permissions),
          clock_.now());
  tx.exec("UPDATE client_keys SET label = $2, query_slice = $3, mutation_slice = $4 WHERE key_id = $1", key->id,
          now.name, now.query_slice, now.mutation_slice);
  move_use(tx, *key, query_quota, before.query_slice.has_value(), now.query_slice.has_value());
  move_use(tx, *key, mutation_quota, before.mutation_slice.has_value(), now.mutation_slice.has_value());
  changed(tx, *key, by, "key.update");
  return *std::move(key);
}

Result<FreshClientKey> ClientKeys::regenerate(sql::Tx& tx, AccountId account, std::string_view client_id,
                                              std::chrono::seconds grace, const Actor& by) const {
  lock(tx, account);
  auto key = find(tx, account, client_id);
  if (!key) return Reason::key_not_found;
  const auto now = clock_.now();
  if (key->status(now) == ClientKeyStatus::revoked) return Reason::key_revoked;
  const auto secret = generate_key(kind, random_);
  const auto old = tx.one("SELECT secret_hash FROM api_keys WHERE id = $1", key->id).value().text(0);
  const auto kept = grace.count() > 0 ? std::optional(old) : std::nullopt;
  const auto until = grace.count() > 0 ? std::optional(now + Micros(grace)) : std::nullopt;
  tx.exec("UPDATE client_keys SET old_secret_hash = $2, old_secret_until = $3 WHERE key_id = $1", key->id, kept, until);
  tx.exec("UPDATE api_keys SET secret_hash = $2, updated_at = $3 WHERE id = $1", key->id, hash_of(secret), now);
  changed(tx, *key, by, "key.regenerate");
  return FreshClientKey{*std::move(key), secret};
}

Result<void> ClientKeys::revoke(sql::Tx& tx, AccountId account, std::string_view client_id, const Actor& by) const {
  lock(tx, account);
  const auto key = find(tx, account, client_id);
  if (!key) return Reason::key_not_found;
  const auto now = clock_.now();
  if (key->status(now) == ClientKeyStatus::revoked) return {};
  tx.exec("UPDATE api_keys SET revoked_at = $2, updated_at = $2 WHERE id = $1", key->id, now);
  tx.exec("UPDATE client_keys SET old_secret_hash = NULL, old_secret_until = NULL WHERE key_id = $1", key->id);
  changed(tx, *key, by, "key.revoke");
  return {};
}

ClientLimits ClientKeys::limits(sql::Tx& tx, AccountId account) const {
  const auto row = tx.one("SELECT query_limit, mutation_limit FROM client_accounts WHERE account_id = $1", account);
  if (!row) return defaults_;
  return {row->maybe_integer(0).value_or(defaults_.query), row->maybe_integer(1).value_or(defaults_.mutation)};
}

void ClientKeys::set_limits(sql::Tx& tx, AccountId account, const ClientLimits& limits, const Actor& by) const {
  uid(tx, account);
  tx.exec("UPDATE client_accounts SET query_limit = $2, mutation_limit = $3 WHERE account_id = $1", account,
          limits.query, limits.mutation);
  audit(tx, clock_.now(), by,
        {"quota.set", fmt::format("account:{}", account.value()),
         fmt::format("query {}, mutation {}", limits.query, limits.mutation)});
  tx.after_commit([&cache = cache_, account] { cache.forget(account); });
}

ClientLimits ClientKeys::used(sql::Tx& tx, AccountId account) const {
  ClientLimits sum{0, 0};
  for (const auto& key : select(tx, account, "1 = 1", {})) {
    sum.query += key.query_used;
    sum.mutation += key.mutation_used;
  }
  return sum;
}

std::string ClientKeys::uid(sql::Tx& tx, AccountId account) const {
  tx.exec("INSERT INTO client_accounts (account_id, uid) VALUES ($1, $2) ON CONFLICT (account_id) DO NOTHING", account,
          generate_client_id(random_));
  return tx.one("SELECT uid FROM client_accounts WHERE account_id = $1", account).value().text(0);
}

std::optional<ClientLookup> look_up_client(sql::Tx& tx, std::string_view client_id, std::string_view hash, Time now,
                                           const ClientLimits& defaults) {
  static const auto query = fmt::format(
      "SELECT k.id, k.account_id, k.client_id, k.scopes, k.expires_at, k.revoked_at, a.is_admin, a.active, a.plan, "
      "a.role, CASE WHEN k.secret_hash = $1 THEN 0 ELSE 1 END, c.old_secret_until, c.query_slice, c.mutation_slice, "
      "m.query_limit, m.mutation_limit, {}, {} FROM client_keys c JOIN api_keys k ON k.id = c.key_id JOIN accounts a "
      "ON "
      "a.id = k.account_id LEFT JOIN client_accounts m ON m.account_id = a.id WHERE c.key_id = (SELECT found FROM "
      "(SELECT id AS found FROM api_keys WHERE secret_hash = $1 UNION ALL SELECT key_id AS found FROM client_keys "
      "WHERE "
      "old_secret_hash = $1) AS either LIMIT 1)",
      taken_by_slices("query"), taken_by_slices("mutation"));
  const auto row = tx.one(query, hash, now);
  if (!row || !equal_constant_time(row->maybe_text(2).value_or(""), client_id)) return std::nullopt;
  auto ends_at = row->maybe_time(4);
  const auto no_later = [&](std::optional<Time> end) {
    if (end) ends_at = ends_at ? std::min(*ends_at, *end) : *end;
  };
  no_later(row->maybe_time(5));
  if (row->boolean(10)) no_later(row->maybe_time(11).value_or(now));
  if ((ends_at && *ends_at <= now) || !row->boolean(7)) return std::nullopt;

  ClientLookup found{{}, ends_at};
  auto& who = found.principal;
  who.account = AccountId(row->integer(1));
  who.admin = row->boolean(6);
  who.role = role_of(who.admin, row->text(9));
  who.via = CredentialKind::client_pair;
  who.key = KeyId(row->text(0));
  who.subject = Subject::of_key(*who.key);
  who.scopes = split_scopes(row->text(3));
  who.plan = plan_from(row->text(8)).value_or(Plan::free);
  const auto of_query = limit_of(row->maybe_integer(14), defaults.query);
  const auto of_mutation = limit_of(row->maybe_integer(15), defaults.mutation);
  who.quotas = std::make_shared<const metering::Allowances>(
      metering::Allowances{allowance(who, row->maybe_integer(12), of_query, row->integer(16)),
                           allowance(who, row->maybe_integer(13), of_mutation, row->integer(17))});
  return found;
}

}  // namespace toll::identity
