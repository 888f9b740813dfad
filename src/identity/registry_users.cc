#include "identity/registry_users.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "identity/names.h"

namespace toll::identity {

namespace {

constexpr std::string_view select =
    "SELECT id, email, coalesce(display_name, username), is_admin, role FROM accounts WHERE ";

RegistryUser user_of(const sql::Row& row) {
  return {AccountId(row.integer(0)), row.text(1), row.text(2), role_of(row.boolean(3), row.text(4))};
}

}  // namespace

std::optional<std::string> registry_email_problem(std::string_view email) {
  if (email.size() < 3 || email.size() > max_email_bytes) return "must be 3 to 254 characters";
  if (!valid_utf8(email) || std::ranges::any_of(email, [](unsigned char c) { return c <= 0x20 || c == 0x7f; }))
    return "must not contain blanks or control characters";
  const auto at = email.find('@');
  if (at == email.npos || at == 0 || at + 1 == email.size() || email.find('@', at + 1) != email.npos)
    return "must have one @ with text on both sides";
  return std::nullopt;
}

RegistryUsers::RegistryUsers(const Clock& clock, Random& random, const Keys& keys, const metering::Ledger& ledger,
                             Options options)
    : clock_(clock), random_(random), keys_(keys), ledger_(ledger), options_(std::move(options)) {
  for (auto& entry : options_.allowed) entry = fold(trim(entry));
}

bool RegistryUsers::allowed(std::string_view email) const {
  if (options_.allowed.empty()) return true;
  const auto folded = fold(email);
  return std::ranges::any_of(options_.allowed, [&](const std::string& entry) {
    const auto domain = entry.starts_with('@') ? entry : "@" + entry;
    return folded == entry || (entry.find('@', 1) == entry.npos && folded.ends_with(domain));
  });
}

Result<FreshUser> RegistryUsers::register_self(sql::Tx& tx, std::string_view email, std::string_view name,
                                               const Actor& by) const {
  if (!options_.open) return Reason::registration_closed;
  if (!allowed(email)) return Reason::email_not_allowed;
  return create(tx, email, name, Role::developer, by);
}

Result<FreshUser> RegistryUsers::create(sql::Tx& tx, std::string_view email, std::string_view name, Role role,
                                        const Actor& by) const {
  const auto folded = fold(email);
  if (tx.one("SELECT 1 FROM accounts WHERE email_folded = $1", folded)) return Reason::email_taken;
  // Names are not unique here; the account's user name is one of the house's making.
  const auto username = "user-" + random_.text(12, "0123456789abcdefghijklmnopqrstuvwxyz");
  const auto now = clock_.now();
  const bool admin = role == Role::admin;
  const auto row = tx.one(
      "INSERT INTO accounts (email, email_folded, username, username_folded, password_hash, is_admin, active, plan, "
      "role, display_name, created_at, updated_at) VALUES ($1, $2, $3, $3, '', $4, 1, 'free', $5, $6, $7, $7) "
      "RETURNING "
      "id, email, display_name, is_admin, role",
      email, folded, username, admin, to_string(admin ? Role::developer : role), name, now);
  auto user = user_of(row.value());
  audit(tx, now, by, {"account.create", fmt::format("account:{}", user.account.value()), std::string(to_string(role))});
  if (options_.starter_credits.micros > 0)
    ledger_.grant(tx, user.account, options_.starter_credits,
                  fmt::format("Welcome bonus - {} free credits", metering::to_short_text(options_.starter_credits)),
                  "registration");
  auto key = TOLL_TRY(keys_.create(tx, user.account,
                                   {.kind = KeyKind::registry,
                                    .name = std::string(default_key_name),
                                    .is_default = true,
                                    .scopes = {},
                                    .expires_at = {}},
                                   by));
  return FreshUser{std::move(user), std::move(key.secret)};
}

Result<FreshUser> RegistryUsers::rotate(sql::Tx& tx, AccountId account, const std::optional<KeyId>& shown,
                                        const Actor& by) const {
  auto user = find(tx, account);
  if (!user) return Reason::account_not_found;
  // The shown key first: whoever comes second waits for its row and finds it gone.
  if (shown && !keys_.remove(tx, account, *shown, by)) return Reason::bad_key;
  for (const auto& key : keys_.list(tx, account, KeyKind::registry)) TOLL_TRY(keys_.remove(tx, account, key.id, by));
  auto key = TOLL_TRY(keys_.create(tx, account,
                                   {.kind = KeyKind::registry,
                                    .name = std::string(default_key_name),
                                    .is_default = true,
                                    .scopes = {},
                                    .expires_at = {}},
                                   by));
  return FreshUser{*std::move(user), std::move(key.secret)};
}

std::optional<RegistryUser> RegistryUsers::find(sql::Tx& tx, AccountId account) const {
  const auto row = tx.one(std::string(select) + "id = $1", account);
  return row ? std::optional(user_of(*row)) : std::nullopt;
}

std::optional<RegistryUser> RegistryUsers::find_by_email(sql::Tx& tx, std::string_view email) const {
  if (!valid_utf8(email) || email.find('\0') != email.npos) return std::nullopt;
  const auto row = tx.one(std::string(select) + "email_folded = $1", fold(trim(email)));
  return row ? std::optional(user_of(*row)) : std::nullopt;
}

}  // namespace toll::identity
