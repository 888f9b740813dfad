#include "tollhouse/commands/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace toll::app {
namespace {

namespace json = boost::json;
using identity::Key;
using identity::KeyKind;
using identity::TunesKey;

Result<AccountId> find(sql::Tx& tx, const House& house, const std::string& email) {
  auto account = house.accounts.find_by_email(tx, email);
  if (!account) return Fault(Reason::account_not_found).because(email);
  return account->id;
}

json::value time_or_null(const std::optional<Time>& time) {
  return time ? json::value(iso_seconds(*time)) : json::value(nullptr);
}

json::object describe(const Key& key) {
  return {{"id", key.id.value()},
          {"kind", to_string(key.kind)},
          {"name", key.name},
          {"key", key.masked()},
          {"is_default", key.is_default},
          {"created_at", iso_seconds(key.created_at)},
          {"last_used_at", time_or_null(key.last_used_at)},
          {"expires_at", time_or_null(key.expires_at)}};
}

json::object describe(const TunesKey& key, Time now) {
  json::array scopes;
  for (const auto& scope : key.settings.scopes) scopes.emplace_back(scope);
  return {{"id", key.id.value()},
          {"kind", to_string(KeyKind::tunes)},
          {"name", key.settings.name},
          {"key", key.prefix + "..."},
          {"scopes", std::move(scopes)},
          {"status", to_string(key.status(now))},
          {"created_at", iso_seconds(key.created_at)},
          {"last_used_at", time_or_null(key.last_used_at)},
          {"expires_at", time_or_null(key.expires_at)}};
}

std::string text_or(const std::optional<Time>& time, std::string_view otherwise) {
  return time ? iso_seconds(*time) : std::string(otherwise);
}

// Names of tunes keys need not differ, so only an id names one.
Result<std::optional<TunesKey>> revoke_tunes_key(sql::Tx& tx, const House& house, AccountId account,
                                                 const std::string& key) {
  if (!house.tunes_keys.find(tx, account, KeyId(key))) return std::optional<TunesKey>();
  auto revoked = house.tunes_keys.revoke(tx, account, KeyId(key), identity::operator_actor());
  if (!revoked) return std::move(revoked).error();
  return std::optional<TunesKey>(std::move(*revoked));
}

int refused(const Console& console, const Fault& fault, const std::string& email) {
  if (fault.reason() == Reason::account_not_found)
    return console.fail(fault, "The accounts there are: tollhouse accounts list");
  if (fault.reason() == Reason::key_not_found || fault.reason() == Reason::key_name_taken)
    return console.fail(fault, fmt::format("The keys there are: tollhouse keys list {}", email));
  return console.fail(fault);
}

}  // namespace

int create_key(const Console& console, const House& house, const std::string& email, const std::string& name,
               std::optional<std::int64_t> expires_in_days) {
  identity::NewKey wanted{.kind = KeyKind::stems, .name = name, .is_default = name == identity::default_key_name};
  if (expires_in_days) wanted.expires_at = house.clock.now() + std::chrono::hours(24 * *expires_in_days);
  auto fresh = house.db.write([&](sql::Tx& tx) -> Result<identity::FreshKey> {
    auto account = TOLL_TRY(find(tx, house, email));
    return house.keys.create(tx, account, wanted, identity::operator_actor());
  });
  if (!fresh) return refused(console, fresh.error(), email);
  auto json = describe(fresh->key);
  json["key"] = fresh->secret;
  return console.show(fmt::format("{}\nThis is the only time the key is shown.", fresh->secret), json);
}

int list_keys(const Console& console, const House& house, const std::string& email) {
  using Both = std::pair<std::vector<Key>, std::vector<TunesKey>>;
  auto keys = house.db.read([&](sql::Tx& tx) -> Result<Both> {
    auto account = TOLL_TRY(find(tx, house, email));
    return Both(house.keys.list(tx, account, KeyKind::stems), house.tunes_keys.list(tx, account, {}));
  });
  if (!keys) return refused(console, keys.error(), email);
  const auto now = house.clock.now();
  std::vector<std::vector<std::string>> rows{
      {"ID", "KIND", "NAME", "KEY", "STATUS", "CREATED", "LAST USED", "EXPIRES"}};
  json::array list;
  for (const auto& key : keys->first) {
    const bool expired = key.expires_at && *key.expires_at <= now;
    rows.push_back({key.id.value(), "stems", key.name, key.masked(), expired ? "expired" : "active",
                    iso_seconds(key.created_at), text_or(key.last_used_at, "never"), text_or(key.expires_at, "never")});
    list.push_back(describe(key));
  }
  for (const auto& key : keys->second) {
    rows.push_back({key.id.value(), "tunes", key.settings.name, key.prefix + "...",
                    std::string(to_string(key.status(now))), iso_seconds(key.created_at),
                    text_or(key.last_used_at, "never"), text_or(key.expires_at, "never")});
    list.push_back(describe(key, now));
  }
  if (list.empty()) return console.show(fmt::format("{} has no keys.", email), list);
  return console.show(as_columns(rows), list);
}

int revoke_key(const Console& console, const House& house, const std::string& email, const std::string& key) {
  struct Gone {
    std::string text;
    json::object json;
  };
  auto gone = house.db.write([&](sql::Tx& tx) -> Result<Gone> {
    auto account = TOLL_TRY(find(tx, house, email));
    if (auto tunes = TOLL_TRY(revoke_tunes_key(tx, house, account, key)))
      return Gone{fmt::format("Revoked {} ({}...)", tunes->settings.name, tunes->prefix),
                  describe(*tunes, house.clock.now())};
    auto keys = house.keys.list(tx, account, KeyKind::stems);
    auto it =
        std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.id.value() == key || k.name == key; });
    if (it == keys.end()) return Fault(Reason::key_not_found).because(key);
    if (auto removed = house.keys.remove(tx, account, it->id, identity::operator_actor()); !removed)
      return std::move(removed).error();
    return Gone{fmt::format("Revoked {} ({})", it->name, it->masked()), describe(*it)};
  });
  if (!gone) return refused(console, gone.error(), email);
  return console.show(gone->text, gone->json);
}

}  // namespace toll::app
