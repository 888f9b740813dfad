#include "identity/organisation_keys.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "identity/credential_cache.h"
#include "identity/key_format.h"
#include "identity/names.h"
#include "identity/scopes.h"

namespace toll::identity {

namespace {

constexpr auto kind = KeyKind::deployment;

std::string selecting(std::string_view condition) {
  return fmt::format(
      "SELECT id, organisation_id, deployment_id, prefix, last_four, name, allow_list, expires_at, created_at, "
      "last_used_at, rotated_from, rotated_to, revoked_at FROM api_keys "
      "WHERE organisation_id = $1 AND kind = 'deployment' AND {}",
      condition);
}

std::optional<KeyId> maybe_key(const sql::Row& row, std::size_t column) {
  auto id = row.maybe_text(column);
  return id ? std::optional(KeyId(std::move(*id))) : std::nullopt;
}

OrganisationKey key_of(const sql::Row& row) {
  OrganisationKey key;
  key.id = KeyId(row.text(0));
  key.organisation = row.text(1);
  key.deployment = row.maybe_text(2).value_or("");
  key.masked = row.text(3) + "..." + row.text(4);
  key.settings = {.name = row.text(5), .allowed_ips = split_scopes(row.text(6)), .expires_at = row.maybe_time(7)};
  key.created_at = row.time(8);
  key.last_used_at = row.maybe_time(9);
  key.rotated_from = maybe_key(row, 10);
  key.rotated_to = maybe_key(row, 11);
  key.revoked_at = row.maybe_time(12);
  return key;
}

}  // namespace

OrganisationKeys::OrganisationKeys(const Clock& clock, Random& random, CredentialCache& cache, std::string hash_secret)
    : clock_(clock), random_(random), cache_(cache), hash_secret_(std::move(hash_secret)) {}

void OrganisationKeys::changed(sql::Tx& tx, AccountId payer, const KeyId& id, const Actor& by, std::string_view action,
                               std::string detail) const {
  audit(tx, clock_.now(), by, {action, "key:" + id.value(), std::move(detail)});
  tx.after_commit([&cache = cache_, payer] { cache.forget(payer); });
}

// Changes of one organisation's keys follow one another. Whose keys they are.
std::optional<AccountId> OrganisationKeys::lock(sql::Tx& tx, std::string_view organisation) const {
  const auto row = tx.one("UPDATE organisations SET name = name WHERE id = $1 RETURNING owner_id", organisation);
  return row ? std::optional(AccountId(row->integer(0))) : std::nullopt;
}

Result<FreshOrganisationKey> OrganisationKeys::insert(sql::Tx& tx, const Owner& owner,
                                                      const OrganisationKeySettings& settings,
                                                      const std::optional<KeyId>& rotated_from) const {
  const auto count =
      tx.one("SELECT count(*) FROM api_keys WHERE organisation_id = $1 AND kind = 'deployment'", owner.organisation)
          ->integer(0);
  if (count >= static_cast<std::int64_t>(max_organisation_keys))
    return Fault(Reason::limit_reached)
        .with("limit", std::to_string(max_organisation_keys))
        .with("things", "keys of an organisation, revoked ones included");
  const auto secret = generate_key(kind, random_);
  const KeyId id(random_.uuid4());
  const std::optional<std::string> deployment =
      owner.deployment.empty() ? std::nullopt : std::optional(owner.deployment);
  tx.exec(
      "INSERT INTO api_keys (id, account_id, kind, name, prefix, last_four, secret_hash, is_default, scopes, "
      "created_at, expires_at, allow_list, rotated_from, organisation_id, deployment_id) "
      "VALUES ($1, $2, 'deployment', $3, $4, $5, $6, 0, '', $7, $8, $9, $10, $11, $12)",
      id, owner.payer, settings.name, key_prefix(kind, secret), std::string_view(secret).substr(secret.size() - 4),
      hex(hmac_sha256(hash_secret_, secret)), clock_.now(), settings.expires_at, join_scopes(settings.allowed_ips),
      rotated_from, owner.organisation, deployment);
  return FreshOrganisationKey{find(tx, owner.organisation, id).value(), secret};
}

Result<FreshOrganisationKey> OrganisationKeys::create(sql::Tx& tx, const Owner& owner,
                                                      const OrganisationKeySettings& settings, const Actor& by) const {
  lock(tx, owner.organisation);
  auto fresh = TOLL_TRY(insert(tx, owner, settings, std::nullopt));
  changed(tx, owner.payer, fresh.key.id, by, "key.create",
          owner.deployment.empty() ? "management key of organisation " + owner.organisation
                                   : "key of deployment " + owner.deployment);
  return fresh;
}

OrganisationKeys::Page OrganisationKeys::list(sql::Tx& tx, std::string_view organisation, const Listing& which) const {
  Page page;
  const auto deployment = which.deployment.value_or("");
  page.count = tx.one(
                     "SELECT count(*) FROM api_keys WHERE organisation_id = $1 AND kind = 'deployment' AND "
                     "($2 = '' OR deployment_id = $2)",
                     organisation, deployment)
                   ->integer(0);
  for (const auto& row :
       tx.query(selecting("($2 = '' OR deployment_id = $2) ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4"),
                organisation, deployment, which.limit, which.offset))
    page.keys.push_back(key_of(row));
  return page;
}

std::optional<OrganisationKey> OrganisationKeys::find(sql::Tx& tx, std::string_view organisation, const KeyId& id,
                                                      const std::optional<std::string>& deployment) const {
  if (!is_uuid(id.value())) return std::nullopt;
  const auto row = tx.one(selecting("id = $2"), organisation, id);
  if (!row) return std::nullopt;
  auto key = key_of(*row);
  if (deployment && key.deployment != *deployment) return std::nullopt;
  return key;
}

Result<OrganisationKey> OrganisationKeys::update(sql::Tx& tx, std::string_view organisation, const KeyId& id,
                                                 const std::function<Result<void>(OrganisationKeySettings&)>& change,
                                                 const Actor& by) const {
  const auto payer = lock(tx, organisation);
  const auto key = find(tx, organisation, id);
  if (!payer || !key) return Reason::key_not_found;
  if (key->revoked_at && *key->revoked_at <= clock_.now()) return Reason::key_revoked;
  auto settings = key->settings;
  TOLL_TRY(change(settings));
  tx.exec(
      "UPDATE api_keys SET name = $3, allow_list = $4, expires_at = $5, updated_at = $6 "
      "WHERE organisation_id = $1 AND id = $2",
      organisation, id, settings.name, join_scopes(settings.allowed_ips), settings.expires_at, clock_.now());
  changed(tx, *payer, id, by, "key.update");
  return find(tx, organisation, id).value();
}

Result<FreshOrganisationKey> OrganisationKeys::rotate(sql::Tx& tx, std::string_view organisation, const KeyId& id,
                                                      std::chrono::seconds grace, const Actor& by) const {
  const auto payer = lock(tx, organisation);
  const auto old = find(tx, organisation, id);
  if (!payer || !old) return Reason::key_not_found;
  if (old->rotated_to) return Reason::key_rotated;
  if (old->revoked_at) return Reason::key_revoked;
  auto fresh = TOLL_TRY(insert(tx, {std::string(organisation), *payer, old->deployment}, old->settings, id));
  tx.exec(
      "UPDATE api_keys SET rotated_to = $3, revoked_at = $4, updated_at = $5 "
      "WHERE organisation_id = $1 AND id = $2",
      organisation, id, fresh.key.id, clock_.now() + grace, clock_.now());
  changed(tx, *payer, id, by, "key.rotate", fmt::format("to {}, grace {} s", fresh.key.id.value(), grace.count()));
  return fresh;
}

Result<OrganisationKey> OrganisationKeys::revoke(sql::Tx& tx, std::string_view organisation, const KeyId& id,
                                                 const Actor& by) const {
  const auto payer = lock(tx, organisation);
  const auto key = find(tx, organisation, id);
  if (!payer || !key) return Reason::key_not_found;
  if (key->revoked_at && *key->revoked_at <= clock_.now()) return *key;
  tx.exec("UPDATE api_keys SET revoked_at = $3, updated_at = $3 WHERE organisation_id = $1 AND id = $2", organisation,
          id, clock_.now());
  changed(tx, *payer, id, by, "key.revoke");
  return find(tx, organisation, id).value();
}

Result<void> OrganisationKeys::remove(sql::Tx& tx, std::string_view organisation, const KeyId& id,
                                      const Actor& by) const {
  const auto payer = lock(tx, organisation);
  if (!payer || !find(tx, organisation, id)) return Reason::key_not_found;
  tx.exec("DELETE FROM api_keys WHERE organisation_id = $1 AND id = $2", organisation, id);
  changed(tx, *payer, id, by, "key.delete");
  return {};
}

void OrganisationKeys::remove_of_deployment(sql::Tx& tx, std::string_view organisation, std::string_view deployment,
                                            const Actor& by) const {
  const auto payer = lock(tx, organisation);
  for (const auto& row : tx.query("DELETE FROM api_keys WHERE organisation_id = $1 AND deployment_id = $2 RETURNING id",
                                  organisation, deployment))
    changed(tx, payer.value(), KeyId(row.text(0)), by, "key.delete");
}

}  // namespace toll::identity
