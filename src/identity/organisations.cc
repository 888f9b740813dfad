#include "identity/organisations.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "identity/names.h"

namespace toll::identity {

namespace {

constexpr std::array<std::string_view, 3> role_names{"viewer", "member", "owner"};

constexpr std::string_view select =
    "SELECT o.id, o.name, o.owner_id, o.personal, o.created_at, m.role FROM organisation_members m "
    "JOIN organisations o ON o.id = m.organisation_id WHERE m.account_id = $1 ";

Organisation organisation_of(const sql::Row& row) {
  return {.id = row.text(0),
          .name = row.text(1),
          .owner = AccountId(row.integer(2)),
          .personal = row.boolean(3),
          .created_at = row.time(4),
          .role = organisation_role_from(row.text(5)).value_or(OrganisationRole::viewer)};
}

Member member_of(const sql::Row& row) {
  return {.account = AccountId(row.integer(0)),
          .email = row.text(1),
          .username = row.text(2),
          .role = organisation_role_from(row.text(3)).value_or(OrganisationRole::viewer),
          .since = row.time(4)};
}

constexpr std::string_view select_members =
    "SELECT a.id, a.email, a.username, m.role, m.created_at FROM organisation_members m "
    "JOIN accounts a ON a.id = m.account_id WHERE m.organisation_id = $1 ";

std::string object_name(std::string_view organisation) {
  return fmt::format("organisation:{}", organisation);
}

Fault bad_name(std::string why) {
  return Fault(Reason::invalid_request)
      .at({{.path = {std::string("name")}, .problem = Problem::rejected, .message = std::move(why)}});
}

}  // namespace

std::string_view to_string(OrganisationRole role) {
  return role_names[static_cast<std::size_t>(role)];
}

std::optional<OrganisationRole> organisation_role_from(std::string_view name) {
  for (std::size_t i = 0; i < role_names.size(); ++i)
    if (role_names[i] == name) return static_cast<OrganisationRole>(i);
  return std::nullopt;
}

Organisation Organisations::insert(sql::Tx& tx, AccountId owner, std::string_view name, bool personal) const {
  const auto now = clock_.now();
  Organisation made{random_.uuid4(), std::string(name), owner, personal, now, OrganisationRole::owner};
  tx.exec("INSERT INTO organisations (id, name, owner_id, personal, created_at) VALUES ($1, $2, $3, $4, $5)", made.id,
          made.name, owner, personal, now);
  tx.exec(
      "INSERT INTO organisation_members (organisation_id, account_id, role, created_at) VALUES ($1, $2, 'owner', $3)",
      made.id, owner, now);
  return made;
}

std::string Organisations::personal(sql::Tx& tx, AccountId account) const {
  // Whoever asks at the same time waits here, and then finds it.
  const auto name = tx.one("UPDATE accounts SET updated_at = updated_at WHERE id = $1 RETURNING username", account);
  if (const auto row = tx.one("SELECT id FROM organisations WHERE owner_id = $1 AND personal = 1", account))
    return row->text(0);
  return insert(tx, account, name.value().text(0), true).id;
}

std::vector<Organisation> Organisations::of(sql::Tx& tx, AccountId account) const {
  std::vector<Organisation> out;
  static const auto all = std::string(select) +
                          "ORDER BY CASE WHEN o.personal = 1 AND o.owner_id = $1 THEN 0 ELSE 1 END, o.created_at, o.id";
  for (const auto& row : tx.query(all, account)) out.push_back(organisation_of(row));
  return out;
}

std::optional<Organisation> Organisations::find(sql::Tx& tx, std::string_view id, AccountId account) const {
  if (!is_uuid(id)) return std::nullopt;
  static const auto one = std::string(select) + "AND m.organisation_id = $2";
  const auto row = tx.one(one, account, id);
  if (!row) return std::nullopt;
  return organisation_of(*row);
}

Result<Organisation> Organisations::create(sql::Tx& tx, AccountId account, std::string_view name,
                                           const Actor& by) const {
  name = trim(name);
  if (name.empty() || utf8_length(name) > max_organisation_name) return bad_name("must be 1 to 100 characters");
  tx.exec("UPDATE accounts SET updated_at = updated_at WHERE id = $1", account);
  const auto owned = tx.one("SELECT count(*) FROM organisations WHERE owner_id = $1", account)->integer(0);
  if (owned >= static_cast<std::int64_t>(max_organisations))
    return Fault(Reason::limit_reached)
        .with("limit", std::to_string(max_organisations))
        .with("things", "organisations of an account");
  auto made = insert(tx, account, name, false);
  audit(tx, clock_.now(), by, {"organisation.create", object_name(made.id), ""});
  return made;
}

std::vector<Member> Organisations::members(sql::Tx& tx, std::string_view organisation) const {
  std::vector<Member> out;
  static const auto all =
      std::string(select_members) + "ORDER BY CASE WHEN m.role = 'owner' THEN 0 ELSE 1 END, m.created_at, a.id";
  for (const auto& row : tx.query(all, organisation)) out.push_back(member_of(row));
  return out;
}

Result<Member> Organisations::put_member(sql::Tx& tx, std::string_view organisation, std::string_view email,
                                         OrganisationRole role, const Actor& by) const {
  if (role == OrganisationRole::owner) return Reason::owner_stays;
  const auto owner = tx.one("UPDATE organisations SET name = name WHERE id = $1 RETURNING owner_id", organisation);
  if (!owner) return Reason::not_found;
  const auto account = tx.one("SELECT id FROM accounts WHERE email_folded = $1 AND active = 1", fold(trim(email)));
  if (!account) return Reason::account_not_found;
  const AccountId id(account->integer(0));
  if (id.value() == owner->integer(0)) return Reason::owner_stays;
  const auto count =
      tx.one("SELECT count(*) FROM organisation_members WHERE organisation_id = $1", organisation)->integer(0);
  const bool known =
      tx.one("SELECT 1 FROM organisation_members WHERE organisation_id = $1 AND account_id = $2", organisation, id)
          .has_value();
  if (!known && count >= static_cast<std::int64_t>(max_members))
    return Fault(Reason::limit_reached).with("limit", std::to_string(max_members)).with("things", "members");
  tx.exec(
      "INSERT INTO organisation_members (organisation_id, account_id, role, created_at) VALUES ($1, $2, $3, $4) "
      "ON CONFLICT (organisation_id, account_id) DO UPDATE SET role = excluded.role",
      organisation, id, to_string(role), clock_.now());
  audit(tx, clock_.now(), by,
        {"organisation.member", object_name(organisation), fmt::format("account {} {}", id.value(), to_string(role))});
  static const auto one = std::string(select_members) + "AND m.account_id = $2";
  return member_of(tx.one(one, organisation, id).value());
}

Result<void> Organisations::remove_member(sql::Tx& tx, std::string_view organisation, AccountId account,
                                          const Actor& by) const {
  const auto role = tx.one("SELECT role FROM organisation_members WHERE organisation_id = $1 AND account_id = $2",
                           organisation, account);
  if (!role) return Reason::not_found;
  if (role->text(0) == to_string(OrganisationRole::owner)) return Reason::owner_stays;
  tx.exec("DELETE FROM organisation_members WHERE organisation_id = $1 AND account_id = $2", organisation, account);
  audit(tx, clock_.now(), by,
        {"organisation.member_removed", object_name(organisation), fmt::format("account {}", account.value())});
  return {};
}

}  // namespace toll::identity
